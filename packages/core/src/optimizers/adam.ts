import { areFinite } from '../finite.js';
import type { GradientFactors } from '../gradient-factors.js';
import { integerPower } from '../integer-power.js';
import { descendAll, elementOf, type Decay, type Descent, type Optimizer } from './optimizer.js';

export interface AdamSettings extends Decay {
  /** Shares of the first and the second moment that are kept, in [0, 1). */
  readonly betas: readonly [first: number, second: number];
  readonly epsilon: number;
}

/**
 * Adam (Kingma and Ba 2015): `m <- b1 * m + (1 - b1) * g`, `v <- b2 * v + (1 - b2) * g^2`, and at step t, counted from 1,
 * `p <- p - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)`. With `weightDecay` it is AdamW (Loshchilov and Hutter 2019).
 */
export function adam({ betas: [beta1, beta2], epsilon, l2, weightDecay }: AdamSettings, descend: Descent<AdamPass>): Optimizer {
  return {
    slots: ['firstMoment', 'secondMoment'],
    step(step, into) {
      const { parameters, factors, learningRate: lr, updates, slots: [first, second] } = step;
      const rate = lr / (1 - integerPower(beta1, updates + 1));
      const scale = 1 / Math.sqrt(1 - integerPower(beta2, updates + 1));
      const [firstAfter, secondAfter] = into.slots;
      return descendAll(step, descend, { parameters, first, second, after: into.parameters, firstAfter, secondAfter, beta1, beta2, rate, scale, epsilon, l2, shrink: lr * weightDecay, factors });
    },
  };
}

/** What a pass of adam over a stretch of parameters works on. */
export interface AdamPass {
  readonly parameters: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly after: Float32Array;
  readonly firstAfter: Float32Array;
  readonly secondAfter: Float32Array;
  readonly beta1: number;
  readonly beta2: number;
  /** Learning rate, corrected for the zero that the first moment began with. */
  readonly rate: number;
  /** Correction of the root of the second moment. */
  readonly scale: number;
  readonly epsilon: number;
  readonly l2: number;
  readonly shrink: number;
  readonly factors: GradientFactors;
}

export function descendAdam(pass: AdamPass, begin: number, end: number, values: Float32Array | undefined, at: number): boolean {
  const { parameters, first, second, after, firstAfter, secondAfter, beta1, beta2, rate, scale, epsilon, l2, shrink, factors } = pass;
  for (let i = begin, j = at; i < end; i += 1, j += 1) {
    const p = parameters[i];
    const g = elementOf(values, j, factors) + l2 * p;
    const m = beta1 * first[i] + (1 - beta1) * g;
    const v = beta2 * second[i] + (1 - beta2) * g * g;
    firstAfter[i] = m;
    secondAfter[i] = v;
    after[i] = p - (rate * m) / (Math.sqrt(v) * scale + epsilon) - shrink * p;
  }
  return areFinite(after.subarray(begin, end)) && areFinite(firstAfter.subarray(begin, end)) && areFinite(secondAfter.subarray(begin, end));
}
