import { forEachSpan, type Decay, type Optimizer } from './optimizer.js';

export interface AdagradSettings extends Decay {
  readonly epsilon: number;
}

/** Adagrad (Duchi, Hazan and Singer 2011): `s <- s + g^2`, `p <- p - lr * g / (sqrt(s) + epsilon)`. */
export function adagrad({ epsilon, l2, weightDecay }: AdagradSettings): Optimizer {
  return {
    slots: ['squares'],
    step({ layout, parameters, slots: [squares], gradient, learningRate }, into) {
      const after = into.parameters;
      const [squaresAfter] = into.slots;
      forEachSpan(layout, gradient, (begin, end, values, at) => {
        for (let i = begin, j = at; i < end; i += 1, j += 1) {
          const p = parameters[i];
          const g = values[j] + l2 * p;
          const s = squares[i] + g * g;
          squaresAfter[i] = s;
          after[i] = p - (learningRate * g) / (Math.sqrt(s) + epsilon) - learningRate * weightDecay * p;
        }
      });
    },
  };
}
