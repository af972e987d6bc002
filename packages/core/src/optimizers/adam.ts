import { integerPower } from '../integer-power.js';
import { forEachSpan, type Decay, type Optimizer } from './optimizer.js';

export interface AdamSettings extends Decay {
  /** Shares of the first and the second moment that are kept, in [0, 1). */
  readonly betas: readonly [first: number, second: number];
  readonly epsilon: number;
}

/**
 * Adam (Kingma and Ba 2015): `m <- b1 * m + (1 - b1) * g`, `v <- b2 * v + (1 - b2) * g^2`, and at step t, counted from 1,
 * `p <- p - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)`. With `weightDecay` it is AdamW (Loshchilov and Hutter 2019).
 */
export function adam({ betas: [beta1, beta2], epsilon, l2, weightDecay }: AdamSettings): Optimizer {
  return {
    slots: ['firstMoment', 'secondMoment'],
    step({ layout, parameters, slots: [first, second], gradient, learningRate, updates }, into) {
      const after = into.parameters;
      const [firstAfter, secondAfter] = into.slots;
      const rate = learningRate / (1 - integerPower(beta1, updates + 1));
      const root = Math.sqrt(1 - integerPower(beta2, updates + 1));
      forEachSpan(layout, gradient, (begin, end, values, at) => {
        for (let i = begin, j = at; i < end; i += 1, j += 1) {
          const p = parameters[i];
          const g = values[j] + l2 * p;
          const m = beta1 * first[i] + (1 - beta1) * g;
          const v = beta2 * second[i] + (1 - beta2) * g * g;
          firstAfter[i] = m;
          secondAfter[i] = v;
          after[i] = p - (rate * m) / (Math.sqrt(v) / root + epsilon) - learningRate * weightDecay * p;
        }
      });
    },
  };
}
