import { BpttError, fromPyTorch, shapeInPyTorch, toPyTorch, viewTensor, type ParameterLayout } from '@bptt/core';
import type { NamedTensor } from './safetensors.js';

/**
 * Parameters as PyTorch's state dict names and orients them: a tensor that the layout holds transposed is turned back, one with an alias comes
 * under both names. Values are copies.
 */
export function toStateDict(layout: ParameterLayout, values: Float32Array): NamedTensor[] {
  return layout.tensors.flatMap((tensor) => {
    const named: NamedTensor = { name: tensor.name, shape: shapeInPyTorch(tensor), values: toPyTorch(tensor, viewTensor(values, tensor)) };
    return tensor.alias === undefined ? [named] : [named, { ...named, name: tensor.alias }];
  });
}

/**
 * The flat parameters of `layout` from a state dict, in any order.
 * @throws BpttError `invalid-argument` where a tensor is missing, comes twice, has another shape, is not in the layout, or where a tensor
 *   and its alias differ; an alias may be missing
 */
export function fromStateDict(layout: ParameterLayout, tensors: readonly NamedTensor[]): Float32Array {
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  if (given.size !== tensors.length) throw refusal(`expected each tensor once, got ${tensors.map(({ name }) => name).join(', ')}`);
  const values = new Float32Array(layout.size);
  for (const tensor of layout.tensors) {
    const found = given.get(tensor.name);
    const twin = given.get(tensor.alias ?? '');
    const shape = shapeInPyTorch(tensor);
    if (found === undefined) throw refusal(`expected a tensor ${tensor.name} [${shape.join(', ')}], got none`);
    if (found.shape.join() !== shape.join()) throw refusal(`expected ${tensor.name} [${shape.join(', ')}], got [${found.shape.join(', ')}]`);
    if (twin !== undefined && !isSame(twin, found)) throw refusal(`expected ${twin.name} to be ${tensor.name}, got other numbers`);
    viewTensor(values, tensor).set(fromPyTorch(tensor, found.values));
    given.delete(tensor.name);
    given.delete(tensor.alias ?? '');
  }
  if (given.size > 0) throw refusal(`expected only ${layout.tensors.map(({ name }) => name).join(', ')}, got also ${[...given.keys()].join(', ')}`);
  return values;
}

function isSame(a: NamedTensor, b: NamedTensor): boolean {
  return a.shape.join() === b.shape.join() && a.values.every((value, i) => Object.is(value, b.values[i]));
}

function refusal(message: string): BpttError {
  return new BpttError('invalid-argument', `state dict: ${message}`);
}
