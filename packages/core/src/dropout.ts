import type { Microshard } from './microshard.js';
import { stream } from './random.js';

export interface DropoutOptions {
  /** Share of units set to zero, in (0, 1). */
  readonly dropout: number;
  /** One mask for all time steps of a sequence. */
  readonly variational: boolean;
  readonly seed: number;
  /** Training step, counted from 0. */
  readonly step: number;
  /** The connection: `l` for the input of layer `l`, the number of layers for the input of the head. */
  readonly connection: number;
}

/**
 * An inverted dropout mask `[T * B, width]`: `1 / (1 - p)` where a unit is kept, which has probability `1 - p`, and 0 where it is not, so that
 * evaluation needs no scaling. A unit's fate is a pure function of (seed, step, sequence, connection, t, unit): padding and the
 * way a batch is cut change nothing.
 */
export function dropoutMask({ T, B, sequences }: Microshard, width: number, { dropout, variational, seed, step, connection }: DropoutOptions): Float32Array {
  const mask = new Float32Array(T * B * width);
  const kept = Math.fround(1 / (1 - dropout));
  const threshold = dropout * 0x100000000;
  const bits = new Uint32Array(width);
  const drawn = variational ? Math.min(1, T) : T;
  for (let t = 0; t < drawn; t += 1) {
    for (let b = 0; b < B; b += 1) {
      stream(seed, 'dropout', step, sequences[b], connection, t).fill(bits);
      const begin = (t * B + b) * width;
      for (let unit = 0; unit < width; unit += 1) mask[begin + unit] = bits[unit] < threshold ? 0 : kept;
    }
  }
  for (let t = drawn; t < T; t += 1) mask.copyWithin(t * B * width, 0, B * width);
  return mask;
}
