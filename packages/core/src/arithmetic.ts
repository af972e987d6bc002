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
  descend: { sgd: descendSgd, decayedSgd: descendDecayedSgd, momentum: descendMomentum, adagrad: descendAdagrad, rmsprop: descendRmsprop, adam: descendAdam },
};

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
