import { forEachSpan, type Decay, type Optimizer } from './optimizer.js';

export interface RmspropSettings extends Decay {
  /** Share of the mean square that is kept, in [0, 1). */
  readonly alpha: number;
  readonly epsilon: number;
}

/** RMSProp (Tieleman and Hinton 2012): `s <- alpha * s + (1 - alpha) * g^2`, `p <- p - lr * g / (sqrt(s) + epsilon)`. */
export function rmsprop({ alpha, epsilon, l2, weightDecay }: RmspropSettings): Optimizer {
  return {
    slots: ['meanSquare'],
    step({ layout, parameters, slots: [meanSquare], gradient, learningRate }, into) {
      const after = into.parameters;
      const [meanSquareAfter] = into.slots;
      forEachSpan(layout, gradient, (begin, end, values, at) => {
        for (let i = begin, j = at; i < end; i += 1, j += 1) {
          const p = parameters[i];
          const g = values[j] + l2 * p;
          const s = alpha * meanSquare[i] + (1 - alpha) * g * g;
          meanSquareAfter[i] = s;
          after[i] = p - (learningRate * g) / (Math.sqrt(s) + epsilon) - learningRate * weightDecay * p;
        }
      });
    },
  };
}
