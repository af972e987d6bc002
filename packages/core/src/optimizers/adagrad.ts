import { areFinite } from '../finite.js';
import type { GradientFactors } from '../gradient-factors.js';
import { descendAll, elementOf, type Decay, type Descent, type Optimizer } from './optimizer.js';

export interface AdagradSettings extends Decay {
  readonly epsilon: number;
}

/** Adagrad (Duchi, Hazan and Singer 2011): `s <- s + g^2`, `p <- p - lr * g / (sqrt(s) + epsilon)`. */
export function adagrad({ epsilon, l2, weightDecay }: AdagradSettings, descend: Descent<AdagradPass>): Optimizer {
  return {
    slots: ['squares'],
    step(step, into) {
      const { parameters, factors, learningRate: lr, slots: [squares] } = step;
      return descendAll(step, descend, { parameters, squares, after: into.parameters, squaresAfter: into.slots[0], lr, epsilon, l2, shrink: lr * weightDecay, factors });
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
  readonly factors: GradientFactors;
}

export function descendAdagrad({ parameters, squares, after, squaresAfter, lr, epsilon, l2, shrink, factors }: AdagradPass, begin: number, end: number, values: Float32Array | undefined, at: number): boolean {
  for (let i = begin, j = at; i < end; i += 1, j += 1) {
    const p = parameters[i];
    const g = elementOf(values, j, factors) + l2 * p;
    const s = squares[i] + g * g;
    squaresAfter[i] = s;
    after[i] = p - (lr * g) / (Math.sqrt(s) + epsilon) - shrink * p;
  }
  return areFinite(after.subarray(begin, end)) && areFinite(squaresAfter.subarray(begin, end));
}
