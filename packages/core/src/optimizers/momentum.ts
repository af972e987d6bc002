import { areFinite } from '../finite.js';
import type { GradientFactors } from '../gradient-factors.js';
import { descendAll, elementOf, type Decay, type Descent, type Optimizer } from './optimizer.js';

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
export function momentum({ momentum: mu, nesterov, l2, weightDecay }: MomentumSettings, descend: Descent<MomentumPass>): Optimizer {
  return {
    slots: ['velocity'],
    step(step, into) {
      const { parameters, factors, learningRate: lr, slots: [velocity] } = step;
      const [ahead, along] = nesterov ? [1, mu] : [0, 1];
      return descendAll(step, descend, { parameters, velocity, after: into.parameters, velocityAfter: into.slots[0], mu, gain: lr * ahead, rate: lr * along, l2, shrink: lr * weightDecay, factors });
    },
  };
}

/** What a pass of momentum over a stretch of parameters works on. */
export interface MomentumPass {
  readonly parameters: Float32Array;
  readonly velocity: Float32Array;
  readonly after: Float32Array;
  readonly velocityAfter: Float32Array;
  readonly mu: number;
  /** Rate of the gradient itself. */
  readonly gain: number;
  /** Rate of the velocity. */
  readonly rate: number;
  readonly l2: number;
  readonly shrink: number;
  readonly factors: GradientFactors;
}

export function descendMomentum({ parameters, velocity, after, velocityAfter, mu, gain, rate, l2, shrink, factors }: MomentumPass, begin: number, end: number, values: Float32Array | undefined, at: number): boolean {
  for (let i = begin, j = at; i < end; i += 1, j += 1) {
    const p = parameters[i];
    const g = elementOf(values, j, factors) + l2 * p;
    const v = mu * velocity[i] + g;
    velocityAfter[i] = v;
    after[i] = p - gain * g - rate * v - shrink * p;
  }
  return areFinite(after.subarray(begin, end)) && areFinite(velocityAfter.subarray(begin, end));
}
