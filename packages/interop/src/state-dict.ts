import { BpttError, matrixShape, viewTensor, type ParameterLayout, type TensorSpec } from '@bptt/core';
import type { NamedTensor } from './safetensors.js';

/** Parameters as PyTorch's state dict names and orients them: a tensor that the layout holds transposed is turned back. Values are copies. */
export function toStateDict(layout: ParameterLayout, values: Float32Array): NamedTensor[] {
  return layout.tensors.map((tensor) => {
    const own = viewTensor(values, tensor);
    const { rows, columns } = matrixShape(tensor);
    return { name: tensor.name, shape: shapeInPyTorch(tensor), values: tensor.transposed ? transpose(own, rows, columns) : own.slice() };
  });
}

/**
 * The flat parameters of `layout` from a state dict, in any order.
 * @throws BpttError `invalid-argument` where a tensor is missing, comes twice, has another shape, or is not in the layout
 */
export function fromStateDict(layout: ParameterLayout, tensors: readonly NamedTensor[]): Float32Array {
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  if (given.size !== tensors.length) throw refusal(`expected each tensor once, got ${tensors.map(({ name }) => name).join(', ')}`);
  const values = new Float32Array(layout.size);
  for (const tensor of layout.tensors) {
    const found = given.get(tensor.name);
    const shape = shapeInPyTorch(tensor);
    if (found === undefined) throw refusal(`expected a tensor ${tensor.name} [${shape.join(', ')}], got none`);
    if (found.shape.join() !== shape.join()) throw refusal(`expected ${tensor.name} [${shape.join(', ')}], got [${found.shape.join(', ')}]`);
    const { rows, columns } = matrixShape(tensor);
    viewTensor(values, tensor).set(tensor.transposed ? transpose(found.values, columns, rows) : found.values);
    given.delete(tensor.name);
  }
  if (given.size > 0) throw refusal(`expected only ${layout.tensors.map(({ name }) => name).join(', ')}, got also ${[...given.keys()].join(', ')}`);
  return values;
}

function shapeInPyTorch(tensor: TensorSpec): readonly number[] {
  return tensor.transposed ? tensor.shape.toReversed() : tensor.shape;
}

/** `[columns, rows]` from `[rows, columns]`. */
function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r += 1) for (let c = 0; c < columns; c += 1) out[c * rows + r] = values[r * columns + c];
  return out;
}

function refusal(message: string): BpttError {
  return new BpttError('invalid-argument', `state dict: ${message}`);
}
