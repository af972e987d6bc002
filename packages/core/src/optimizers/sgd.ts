import { denseTensors, forEachSpan, sparseTensors } from '../gradient.js';
import { matrixShape } from '../parameters.js';
import type { Decay, Optimizer, OptimizerStep } from './optimizer.js';

/** Stochastic gradient descent: `p <- p - lr * (g + l2 * p) - lr * weightDecay * p`. */
export function sgd({ l2, weightDecay }: Decay): Optimizer {
  if (l2 === 0 && weightDecay === 0) return { slots: [], step: (step, into) => { sgdStep(step, into.parameters); } };
  return {
    slots: [],
    step: (step, into) => {
      const { parameters, learningRate: lr } = step;
      forEachSpan(step, descendWithDecay, { parameters, after: into.parameters, lr, shrink: lr * (l2 + weightDecay) });
    },
  };
}

interface Pass {
  readonly parameters: Float32Array;
  readonly after: Float32Array;
  readonly lr: number;
  readonly shrink: number;
}

function descendWithDecay({ parameters, after, lr, shrink }: Pass, begin: number, end: number, values: Float32Array, at: number): void {
  for (let i = begin, j = at; i < end; i += 1, j += 1) after[i] = parameters[i] - lr * values[j] - shrink * parameters[i];
}

/** `p <- p - lr * g` alone, written into `into`. Touches only rows that have a gradient: what is subtracted from others is zero. */
export function sgdStep({ layout, parameters, gradient, learningRate }: Pick<OptimizerStep, 'layout' | 'parameters' | 'gradient' | 'learningRate'>, into: Float32Array): void {
  into.set(parameters);
  let at = 0;
  for (const { begin, end } of denseTensors(layout)) {
    descend(into.subarray(begin, end), gradient.dense.subarray(at, at + end - begin), learningRate);
    at += end - begin;
  }
  sparseTensors(layout).forEach((tensor, i) => {
    const { columns } = matrixShape(tensor);
    const { rows, values } = gradient.sparse[i];
    rows.forEach((row, r) => {
      const begin = tensor.begin + row * columns;
      descend(into.subarray(begin, begin + columns), values.subarray(r * columns, (r + 1) * columns), learningRate);
    });
  });
}

function descend(parameters: Float32Array, gradient: Float32Array, learningRate: number): void {
  for (let i = 0; i < parameters.length; i += 1) parameters[i] -= learningRate * gradient[i];
}
