import { areFinite } from '../finite.js';
import type { GradientFactors } from '../gradient-factors.js';
import { descendAll, elementOf, type Decay, type Descent, type Optimizer } from './optimizer.js';

export interface RmspropSettings extends Decay {
  /** Share of the mean square that is kept, in [0, 1). */
  readonly alpha: number;
  readonly epsilon: number;
}

/** RMSProp (Tieleman and Hinton 2012): `s <- alpha * s + (1 - alpha) * g^2`, `p <- p - lr * g / (sqrt(s) + epsilon)`. */
export function rmsprop({ alpha, epsilon, l2, weightDecay }: RmspropSettings, descend: Descent<RmspropPass>): Optimizer {
  return {
    slots: ['meanSquare'],
    step(step, into) {
      const { parameters, factors, learningRate: lr, slots: [meanSquare] } = step;
      return descendAll(step, descend, { parameters, meanSquare, after: into.parameters, meanSquareAfter: into.slots[0], lr, alpha, epsilon, l2, shrink: lr * weightDecay, factors });
    },
  };
}

/** What a pass of rmsprop over a stretch of parameters works on. */
export interface RmspropPass {
  readonly parameters: Float32Array;
  readonly meanSquare: Float32Array;
  readonly after: Float32Array;
  readonly meanSquareAfter: Float32Array;
  readonly lr: number;
  readonly alpha: number;
  readonly epsilon: number;
  readonly l2: number;
  readonly shrink: number;
  readonly factors: GradientFactors;
}

export function descendRmsprop({ parameters, meanSquare, after, meanSquareAfter, lr, alpha, epsilon, l2, shrink, factors }: RmspropPass, begin: number, end: number, values: Float32Array | undefined, at: number): boolean {
  for (let i = begin, j = at; i < end; i += 1, j += 1) {
    const p = parameters[i];
    const g = elementOf(values, j, factors) + l2 * p;
    const s = alpha * meanSquare[i] + (1 - alpha) * g * g;
    meanSquareAfter[i] = s;
    after[i] = p - (lr * g) / (Math.sqrt(s) + epsilon) - shrink * p;
  }
  return areFinite(after.subarray(begin, end)) && areFinite(meanSquareAfter.subarray(begin, end));
}
