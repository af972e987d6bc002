import { areFinite } from '../finite.js';
import { UNSCALED, type GradientFactors } from '../gradient-factors.js';
import { sparseTensors } from '../gradient.js';
import { matrixShape, type ParameterLayout } from '../parameters.js';
import { descendAll, elementOf, type Decay, type Descent, type Optimizer, type OptimizerStep } from './optimizer.js';

/** Stochastic gradient descent: `p <- p - lr * (g + l2 * p) - lr * weightDecay * p`. */
export function sgd({ l2, weightDecay }: Decay, descend: Descent<SgdPass>, descendDecayed: Descent<DecayedSgdPass>): Optimizer {
  if (l2 === 0 && weightDecay === 0) return { slots: [], step: (step, into) => sgdStep(step, into.parameters, descend, into.staleRows) };
  return {
    slots: [],
    step(step, into) {
      const { parameters, factors, learningRate: lr } = step;
      return descendAll(step, descendDecayed, { parameters, after: into.parameters, lr, shrink: lr * (l2 + weightDecay), factors });
    },
  };
}

/** What `sgdStep` makes a step of; `factors` are 1 by default. */
export type SgdStep = Pick<OptimizerStep, 'layout' | 'parameters' | 'gradient' | 'learningRate'> & Partial<Pick<OptimizerStep, 'factors'>>;

/**
 * `p <- p - lr * g` alone, every number rounded to float32, written into `into`, which may be the parameters themselves. Rows without a gradient keep their bits. Returns whether all
 * that it has computed is finite.
 * @param staleRows as in `OptimizerTarget`
 */
export function sgdStep(step: SgdStep, into: Float32Array, descend: Descent<SgdPass> = descendSgd, staleRows?: readonly Uint32Array[]): boolean {
  const { layout, parameters, learningRate: lr, factors = UNSCALED } = step;
  const pass = { parameters, after: into, lr, factors };
  if (staleRows === undefined) return descendAll(step, descend, pass);
  copyRows(layout, staleRows, parameters, into);
  return descendAll(step, (its, begin, end, values, at) => values === undefined || descend(its, begin, end, values, at), pass);
}

function copyRows(layout: ParameterLayout, rows: readonly Uint32Array[], from: Float32Array, to: Float32Array): void {
  for (const [i, tensor] of sparseTensors(layout).entries()) {
    const { columns } = matrixShape(tensor);
    for (const row of rows[i]) {
      const begin = tensor.begin + row * columns;
      to.set(from.subarray(begin, begin + columns), begin);
    }
  }
}

/** What a pass of plain descent over a stretch of parameters works on. */
export interface SgdPass {
  readonly parameters: Float32Array;
  readonly after: Float32Array;
  readonly lr: number;
  readonly factors: GradientFactors;
}

export function descendSgd({ parameters, after, lr, factors }: SgdPass, begin: number, end: number, values: Float32Array | undefined, at: number): boolean {
  if (values === undefined) {
    if (after !== parameters) after.set(parameters.subarray(begin, end), begin);
    return true;
  }
  const rate = Math.fround(lr);
  for (let i = begin, j = at; i < end; i += 1, j += 1) after[i] = parameters[i] - Math.fround(rate * elementOf(values, j, factors));
  return areFinite(after.subarray(begin, end));
}

/** The same with decay. */
export interface DecayedSgdPass extends SgdPass {
  readonly shrink: number;
}

export function descendDecayedSgd({ parameters, after, lr, shrink, factors }: DecayedSgdPass, begin: number, end: number, values: Float32Array | undefined, at: number): boolean {
  for (let i = begin, j = at; i < end; i += 1, j += 1) after[i] = parameters[i] - lr * elementOf(values, j, factors) - shrink * parameters[i];
  return areFinite(after.subarray(begin, end));
}
