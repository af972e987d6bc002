import { denseTensors, sparseTensors, type Gradient } from '../gradient.js';
import { matrixShape, type ParameterLayout } from '../parameters.js';

export interface SgdStep {
  readonly layout: ParameterLayout;
  /** Parameters before the step; not changed. */
  readonly parameters: Float32Array;
  readonly gradient: Gradient;
  readonly learningRate: number;
}

/**
 * Stochastic gradient descent: `p <- p - lr * g`, written into `into`, another buffer, so that readers of the old step are never
 * disturbed. `lr` is rounded to float32, and so is the product before it is subtracted.
 */
export function sgdStep({ layout, parameters, gradient, learningRate }: SgdStep, into: Float32Array): void {
  const lr = Math.fround(learningRate);
  into.set(parameters);
  let at = 0;
  for (const { begin, end } of denseTensors(layout)) {
    descend(into.subarray(begin, end), gradient.dense.subarray(at, at + end - begin), lr);
    at += end - begin;
  }
  sparseTensors(layout).forEach((tensor, i) => {
    const { columns } = matrixShape(tensor);
    const { rows, values } = gradient.sparse[i];
    rows.forEach((row, r) => {
      const begin = tensor.begin + row * columns;
      descend(into.subarray(begin, begin + columns), values.subarray(r * columns, (r + 1) * columns), lr);
    });
  });
}

function descend(parameters: Float32Array, gradient: Float32Array, learningRate: number): void {
  for (let i = 0; i < parameters.length; i += 1) parameters[i] -= Math.fround(learningRate * gradient[i]);
}
