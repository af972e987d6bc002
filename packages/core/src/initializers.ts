import { matrixShape, viewTensor, type ParameterLayout, type TensorSpec } from './parameters.js';
import { stream } from './random.js';

export const INITIALIZERS = ['uniformFanIn'] as const;
/** How parameters begin. */
export type InitializerName = (typeof INITIALIZERS)[number];

/**
 * `uniformFanIn`: every tensor is drawn from U[-1/sqrt(n), 1/sqrt(n)], n the incoming connections of a unit (for the matrix of a one-hot
 * input and for an embedding n = V: one connection from every word; for a bias the n of the weight that it goes with).
 * A tensor's numbers depend on the seed and its name alone, so that adding a tensor changes no other.
 */
export function initializeUniformFanIn(layout: ParameterLayout, seed: number): Float32Array {
  const values = new Float32Array(layout.size);
  for (const tensor of layout.tensors) {
    const bound = 1 / Math.sqrt(fanIn(layout, tensor));
    const random = stream(seed, `initialize ${tensor.name}`);
    const view = viewTensor(values, tensor);
    for (let i = 0; i < view.length; i += 1) view[i] = (2 * random.uniform(i) - 1) * bound;
  }
  return values;
}

function fanIn(layout: ParameterLayout, tensor: TensorSpec): number {
  const weight = layout.tensors.find(({ name }) => name === tensor.name.replace('bias', 'weight')) ?? tensor;
  const { rows, columns } = matrixShape(weight);
  const readByWord = weight.transposed || weight.name === 'encoder.weight';
  return readByWord ? rows : columns;
}
