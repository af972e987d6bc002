import type { SpanVisit } from './gradient.js';
import { descendAdagrad, type AdagradPass } from './optimizers/adagrad.js';
import { descendAdam, type AdamPass } from './optimizers/adam.js';
import { descendMomentum, type MomentumPass } from './optimizers/momentum.js';
import { descendRmsprop, type RmspropPass } from './optimizers/rmsprop.js';
import { descendDecayedSgd, descendSgd, type DecayedSgdPass, type SgdPass } from './optimizers/sgd.js';
import type { FloatArray } from './shape.js';

/**
 * The loops over flat float32 arrays that adding gradients and making a step consist of. Whoever implements them gives the bits of
 * `plainArithmetic`: a run ends with the same parameters whatever its server computes with.
 */
export interface Arithmetic {
  /** `sum = left + right`; `sum` may be one of them. */
  add(left: Float32Array, right: Float32Array, sum: Float32Array): void;
  /** Multiplies every element by `factor`, a float32, in place. */
  scale(values: Float32Array, factor: number): void;
  /** Sum of squares in float64: the elements `i` with the same `i mod 4` are added in ascending order, then `(s_0 + s_1) + (s_2 + s_3)`. */
  sumOfSquares(values: Float32Array): number;
  /** Every element to `[-limit, limit]`, in place. Returns whether one was beyond. NaN stays. */
  clamp(values: Float32Array, limit: number): boolean;
  /** Whether every element is finite. */
  areFinite(values: Float32Array): boolean;
  /**
   * Tells apart what should be equal bit for bit, at the speed of memory; no defence against anybody. Over the 32-bit words of `values`, in 16 interleaved lanes:
   * `lane <- rotate(lane + 0x85ebca77 word, 13) 0x9e3779b1`, from the lane's number on; the lanes in hex. Words that differ in one place always differ here.
   */
  fingerprint(values: Float32Array): string;
  /** The passes of the optimisers. */
  readonly descend: DescentPasses;
}

/** Each optimiser's pass over a stretch of parameters. */
export interface DescentPasses {
  readonly sgd: SpanVisit<SgdPass>;
  readonly decayedSgd: SpanVisit<DecayedSgdPass>;
  readonly momentum: SpanVisit<MomentumPass>;
  readonly adagrad: SpanVisit<AdagradPass>;
  readonly rmsprop: SpanVisit<RmspropPass>;
  readonly adam: SpanVisit<AdamPass>;
}

/** The readable loops. */
export const plainArithmetic: Arithmetic = {
  add(left, right, sum) {
    for (let i = 0; i < sum.length; i += 1) sum[i] = left[i] + right[i];
  },
  scale(values, factor) {
    for (let i = 0; i < values.length; i += 1) values[i] *= factor;
  },
  sumOfSquares(values) {
    const sums = new Float64Array(4);
    for (let i = 0; i < values.length; i += 1) sums[i & 3] += values[i] * values[i];
    return sums[0] + sums[1] + (sums[2] + sums[3]);
  },
  clamp(values, limit) {
    let clamped = false;
    for (let i = 0; i < values.length; i += 1) {
      if (!(Math.abs(values[i]) > limit)) continue;
      values[i] = values[i] > 0 ? limit : -limit;
      clamped = true;
    }
    return clamped;
  },
  areFinite,
  fingerprint(values) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const lanes = Uint32Array.from({ length: FINGERPRINT_LANES }, (_, lane) => lane);
    for (let i = 0; i < words.length; i += 1) {
      const mixed = (lanes[i % FINGERPRINT_LANES] + Math.imul(words[i], 0x85ebca77)) | 0;
      lanes[i % FINGERPRINT_LANES] = Math.imul((mixed << 13) | (mixed >>> 19), 0x9e3779b1);
    }
    return fingerprintText(lanes);
  },
  descend: { sgd: descendSgd, decayedSgd: descendDecayedSgd, momentum: descendMomentum, adagrad: descendAdagrad, rmsprop: descendRmsprop, adam: descendAdam },
};

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

/** Whether every number is finite. `0 * x` is zero for finite `x` and NaN otherwise, which spares a branch a number. */
export function areFinite(values: FloatArray): boolean {
  let zero = 0;
  for (let i = 0; i < values.length; i += 1) zero += 0 * values[i];
  return zero === 0;
}
