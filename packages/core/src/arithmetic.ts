import { assert } from './errors.js';
import { areFinite } from './finite.js';
import { descendAdagrad, type AdagradPass } from './optimizers/adagrad.js';
import { descendAdam, type AdamPass } from './optimizers/adam.js';
import { descendMomentum, type MomentumPass } from './optimizers/momentum.js';
import type { Descent } from './optimizers/optimizer.js';
import { descendRmsprop, type RmspropPass } from './optimizers/rmsprop.js';
import { descendDecayedSgd, descendSgd, type DecayedSgdPass, type SgdPass } from './optimizers/sgd.js';

/**
 * The loops over flat float32 arrays that adding gradients and making a step consist of. Whoever implements them gives the bits of
 * `plainArithmetic`: a run ends with the same parameters whatever its server computes with.
 */
export interface Arithmetic {
  /** `sum = left + right`; `sum` may be one of them. Returns whether all of it is finite. */
  add(left: Float32Array, right: Float32Array, sum: Float32Array): boolean;
  /** Sum of squares, in float64: of elements with the same `i mod 4` in ascending order, then `(s_0 + s_1) + (s_2 + s_3)`. */
  sumOfSquares(values: Float32Array): number;
  /** Every element times `factor`, then to `[-limit, limit]`, in place; both are float32. Returns whether one was beyond. NaN stays. */
  clamp(values: Float32Array, factor: number, limit: number): boolean;
  /** Whether every element is finite. */
  areFinite(values: Float32Array): boolean;
  /**
   * Copies `from` to `into`, which may be the same, and looks at it on the way, so that memory is gone through once. Undefined where an element is not finite.
   * @param from as long as `into`
   * @param squared of how many elements, from the first, the squares are added
   */
  receive(from: Float32Array, into: Float32Array, squared: number): Received | undefined;
  /** `mean <- mean + (values - mean) / count`, in place: a mean of which `values` becomes the `count`-th part. */
  average(mean: Float32Array, values: Float32Array, count: number): void;
  /** The passes of the optimisers. */
  readonly descend: DescentPasses;
}

/** What `Arithmetic.receive` finds. */
export interface Received {
  /**
   * Tells apart what should be equal bit for bit, at the speed of memory; no defence against anybody. Over the 32-bit words, in 16 interleaved lanes:
   * `lane <- rotate(lane + 0x85ebca77 word, 13) 0x9e3779b1`, from the lane's number on; the lanes in hex. Words that differ in one place always differ here.
   */
  readonly fingerprint: string;
  /** As `Arithmetic.sumOfSquares`. */
  readonly sumOfSquares: number;
}

/** Each optimiser's pass. */
export interface DescentPasses {
  readonly sgd: Descent<SgdPass>;
  readonly decayedSgd: Descent<DecayedSgdPass>;
  readonly momentum: Descent<MomentumPass>;
  readonly adagrad: Descent<AdagradPass>;
  readonly rmsprop: Descent<RmspropPass>;
  readonly adam: Descent<AdamPass>;
}

/** The readable loops. */
export const plainArithmetic: Arithmetic = {
  add(left, right, sum) {
    for (let i = 0; i < sum.length; i += 1) sum[i] = left[i] + right[i];
    return areFinite(sum);
  },
  sumOfSquares,
  clamp(values, factor, limit) {
    let clamped = false;
    for (let i = 0; i < values.length; i += 1) {
      values[i] *= factor;
      if (!(Math.abs(values[i]) > limit)) continue;
      values[i] = values[i] > 0 ? limit : -limit;
      clamped = true;
    }
    return clamped;
  },
  areFinite,
  receive(from, into, squared) {
    assertReceivable(from, into, squared);
    if (into.buffer !== from.buffer || into.byteOffset !== from.byteOffset) into.set(from);
    return areFinite(into) ? { fingerprint: fingerprint(into), sumOfSquares: sumOfSquares(into.subarray(0, squared)) } : undefined;
  },
  average(mean, values, count) {
    for (let i = 0; i < mean.length; i += 1) mean[i] += (values[i] - mean[i]) / count;
  },
  descend: { sgd: descendSgd, decayedSgd: descendDecayedSgd, momentum: descendMomentum, adagrad: descendAdagrad, rmsprop: descendRmsprop, adam: descendAdam },
};

/** That `Arithmetic.receive` can take these. */
export function assertReceivable(from: Float32Array, into: Float32Array, squared: number): void {
  assert(from.length === into.length && squared <= into.length, () =>
    `receive: expected as many elements from as into, and no more squares, got ${String(from.length)}, ${String(into.length)} and ${String(squared)}`);
}

function sumOfSquares(values: Float32Array): number {
  const sums = new Float64Array(4);
  for (let i = 0; i < values.length; i += 1) sums[i & 3] += values[i] * values[i];
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

function fingerprint(values: Float32Array): string {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const lanes = Uint32Array.from({ length: FINGERPRINT_LANES }, (_, lane) => lane);
  for (let i = 0; i < words.length; i += 1) {
    const mixed = (lanes[i % FINGERPRINT_LANES] + Math.imul(words[i], 0x85ebca77)) | 0;
    lanes[i % FINGERPRINT_LANES] = Math.imul((mixed << 13) | (mixed >>> 19), 0x9e3779b1);
  }
  return fingerprintText(lanes);
}

/** Lanes of a fingerprint. */
export const FINGERPRINT_LANES = 16;

/** The lanes of a fingerprint in hex. */
export function fingerprintText(lanes: Uint32Array): string {
  return Array.from(lanes, (lane) => lane.toString(16).padStart(8, '0')).join('');
}

/** Memory for parameters, gradients and slots, and arithmetic on what lies there. */
export interface Workspace {
  /** `length` floats, which are zero. They are never given back. */
  readonly allocate: (length: number) => Float32Array;
  readonly arithmetic: Arithmetic;
}

/** Ordinary arrays and the plain loops. */
export const plainWorkspace: Workspace = { allocate: (length) => new Float32Array(length), arithmetic: plainArithmetic };
