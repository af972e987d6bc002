import { assert } from './errors.js';

/** The id that stands for "no word here": as an input it reads a zero row, as a target it is ignored by the loss. */
export const NO_TOKEN = -1;

/**
 * A fixed share of a global batch: the unit of work whose gradient is a pure function of parameters, tokens and carried states.
 * How many microshards a batch has never depends on the number of workers.
 */
export interface Microshard {
  /** Position among the microshards of its batch: its leaf in the canonical reduction tree. */
  readonly index: number;
  /** Time steps, padding included. */
  readonly T: number;
  /** Sequences side by side, padding included. */
  readonly B: number;
  /** Word ids read, time-major `[T * B]`; `NO_TOKEN` where a sequence is padded. */
  readonly inputs: Int32Array;
  /** Word ids to predict, time-major `[T * B]`; `NO_TOKEN` where the loss ignores the position. */
  readonly targets: Int32Array;
  /** Index of each sequence in the corpus (sentence or lane), `[B]`; `NO_TOKEN` for a padded column. */
  readonly sequences: Int32Array;
}

/** Positions of `microshard` that count in the loss. */
export function countTargets(microshard: Microshard): number {
  let count = 0;
  for (const target of microshard.targets) if (target !== NO_TOKEN) count += 1;
  return count;
}

/** Sequences of `microshard` that are not padding. */
export function countSequences(microshard: Microshard): number {
  let count = 0;
  for (const sequence of microshard.sequences) if (sequence !== NO_TOKEN) count += 1;
  return count;
}

/** Stops unless the arrays of `microshard` have the lengths that its `T` and `B` promise and its ids lie in `[-1, vocabulary)`. */
export function assertMicroshard(microshard: Microshard, vocabulary: number): void {
  const { T, B, inputs, targets, sequences } = microshard;
  assert(inputs.length === T * B && targets.length === T * B && sequences.length === B,
    () => `microshard: inputs ${String(inputs.length)}, targets ${String(targets.length)}, sequences ${String(sequences.length)} do not fit T ${String(T)}, B ${String(B)}`);
  for (const ids of [inputs, targets]) {
    for (const id of ids) assert(id >= NO_TOKEN && id < vocabulary, () => `microshard: word id ${String(id)} outside [-1, ${String(vocabulary)})`);
  }
}
