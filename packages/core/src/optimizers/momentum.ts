import { forEachSpan, type Decay, type Optimizer } from './optimizer.js';

export interface MomentumSettings extends Decay {
  /** Share of the velocity that is kept, in [0, 1). */
  readonly momentum: number;
  /** Looks ahead: descends along `g + momentum * v` instead of `v`. */
  readonly nesterov: boolean;
}

/**
 * Momentum as PyTorch has it: `v <- momentum * v + g`, `p <- p - lr * v`; Nesterov's: `p <- p - lr * (g + momentum * v)`
 * (Sutskever, Martens, Dahl and Hinton 2013, with the learning rate outside of the velocity).
 */
export function momentum({ momentum: mu, nesterov, l2, weightDecay }: MomentumSettings): Optimizer {
  return {
    slots: ['velocity'],
    step({ layout, parameters, slots: [velocity], gradient, learningRate }, into) {
      const after = into.parameters;
      const [velocityAfter] = into.slots;
      // How much of the gradient is added to the velocity once more.
      const [ahead, along] = nesterov ? [1, mu] : [0, 1];
      forEachSpan(layout, gradient, (begin, end, values, at) => {
        for (let i = begin, j = at; i < end; i += 1, j += 1) {
          const p = parameters[i];
          const g = values[j] + l2 * p;
          const v = mu * velocity[i] + g;
          velocityAfter[i] = v;
          after[i] = p - learningRate * (ahead * g + along * v) - learningRate * weightDecay * p;
        }
      });
    },
  };
}
