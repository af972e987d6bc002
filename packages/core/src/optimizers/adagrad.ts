import { forEachSpan, type SpanVisit } from '../gradient.js';
import type { Decay, Optimizer } from './optimizer.js';

export interface AdagradSettings extends Decay {
  readonly epsilon: number;
}

/** Adagrad (Duchi, Hazan and Singer 2011): `s <- s + g^2`, `p <- p - lr * g / (sqrt(s) + epsilon)`. */
export function adagrad({ epsilon, l2, weightDecay }: AdagradSettings, descend: SpanVisit<AdagradPass>): Optimizer {
  return {
    slots: ['squares'],
    step(step, into) {
      const { parameters, learningRate: lr, slots: [squares] } = step;
      forEachSpan(step, descend, { parameters, squares, after: into.parameters, squaresAfter: into.slots[0], lr, epsilon, l2, shrink: lr * weightDecay });
    },
  };
}

/** What a pass of adagrad over a stretch of parameters works on. */
export interface AdagradPass {
  readonly parameters: Float32Array;
  readonly squares: Float32Array;
  readonly after: Float32Array;
  readonly squaresAfter: Float32Array;
  readonly lr: number;
  readonly epsilon: number;
  readonly l2: number;
  readonly shrink: number;
}

export function descendAdagrad({ parameters, squares, after, squaresAfter, lr, epsilon, l2, shrink }: AdagradPass, begin: number, end: number, values: Float32Array | undefined, at: number): void {
  for (let i = begin, j = at; i < end; i += 1, j += 1) {
    const p = parameters[i];
    const g = (values === undefined ? 0 : values[j]) + l2 * p;
    const s = squares[i] + g * g;
    squaresAfter[i] = s;
    after[i] = p - (lr * g) / (Math.sqrt(s) + epsilon) - shrink * p;
  }
}
