import { forEachSpan, type SpanVisit } from '../gradient.js';
import type { Decay, Optimizer, OptimizerStep } from './optimizer.js';

/** Stochastic gradient descent: `p <- p - lr * (g + l2 * p) - lr * weightDecay * p`. */
export function sgd({ l2, weightDecay }: Decay, descend: SpanVisit<SgdPass>, descendDecayed: SpanVisit<DecayedSgdPass>): Optimizer {
  if (l2 === 0 && weightDecay === 0) return { slots: [], step: (step, into) => { sgdStep(step, into.parameters, descend); } };
  return {
    slots: [],
    step: (step, into) => {
      const { parameters, learningRate: lr } = step;
      forEachSpan(step, descendDecayed, { parameters, after: into.parameters, lr, shrink: lr * (l2 + weightDecay) });
    },
  };
}

/** `p <- p - lr * g` alone, written into `into`, which may be the parameters themselves. Rows without a gradient keep their bits. */
export function sgdStep(
  step: Pick<OptimizerStep, 'layout' | 'parameters' | 'gradient' | 'learningRate'>, into: Float32Array, descend: SpanVisit<SgdPass> = descendSgd,
): void {
  forEachSpan(step, descend, { parameters: step.parameters, after: into, lr: step.learningRate });
}

/** What a pass of plain descent over a stretch of parameters works on. */
export interface SgdPass {
  readonly parameters: Float32Array;
  readonly after: Float32Array;
  readonly lr: number;
}

export function descendSgd({ parameters, after, lr }: SgdPass, begin: number, end: number, values: Float32Array | undefined, at: number): void {
  if (values === undefined) {
    if (after !== parameters) after.set(parameters.subarray(begin, end), begin);
    return;
  }
  for (let i = begin, j = at; i < end; i += 1, j += 1) after[i] = parameters[i] - lr * values[j];
}

/** The same with decay. */
export interface DecayedSgdPass extends SgdPass {
  readonly shrink: number;
}

export function descendDecayedSgd({ parameters, after, lr, shrink }: DecayedSgdPass, begin: number, end: number, values: Float32Array | undefined, at: number): void {
  for (let i = begin, j = at; i < end; i += 1, j += 1) after[i] = parameters[i] - lr * (values === undefined ? 0 : values[j]) - shrink * parameters[i];
}
