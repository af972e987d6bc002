import { describe, expect, it } from 'vitest';
import { layOut } from '@bptt/core';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';
import { fromStateDict, toStateDict } from './state-dict.js';

const layout = layOut([
  { name: 'rnn.weight_ih_l0', shape: [3, 2], rowSparse: true, transposed: true },
  { name: 'rnn.weight_hh_l0', shape: [2, 2] },
  { name: 'decoder.bias', shape: [3] },
]);
const values = Float32Array.from({ length: layout.size }, (_, i) => i + 0.5);

describe('toStateDict', () => {
  it('turns a transposed tensor back into the orientation of PyTorch', () => {
    const [input, recurrent, bias] = toStateDict(layout, values);
    expect(input).toEqual({ name: 'rnn.weight_ih_l0', shape: [2, 3], values: Float32Array.of(0.5, 2.5, 4.5, 1.5, 3.5, 5.5) });
    expect(recurrent).toEqual({ name: 'rnn.weight_hh_l0', shape: [2, 2], values: Float32Array.of(6.5, 7.5, 8.5, 9.5) });
    expect(bias.shape).toEqual([3]);
  });

  it('gives copies', () => {
    toStateDict(layout, values)[1].values.fill(0);
    expect(values[6]).toBe(6.5);
  });
});

describe('fromStateDict', () => {
  it('reads back what was written, through a file and in any order', () => {
    const file = encodeSafetensors(toStateDict(layout, values), {});
    expect(fromStateDict(layout, decodeSafetensors(file).tensors.toReversed())).toEqual(values);
  });

  it.each([
    ['a missing tensor', toStateDict(layout, values).slice(1), 'expected a tensor rnn.weight_ih_l0 [2, 3], got none'],
    ['another shape', [{ name: 'rnn.weight_ih_l0', shape: [3, 2], values: new Float32Array(6) }], 'expected rnn.weight_ih_l0 [2, 3], got [3, 2]'],
    ['an unknown tensor', [...toStateDict(layout, values), { name: 'x', shape: [1], values: new Float32Array(1) }], 'got also x'],
    ['a tensor twice', [...toStateDict(layout, values), ...toStateDict(layout, values)], 'expected each tensor once'],
  ])('refuses %s', (_what, tensors, message) => {
    expect(() => fromStateDict(layout, tensors)).toThrow(message);
  });
});

describe('a tensor with two names', () => {
  const tied = layOut([{ name: 'encoder.weight', shape: [3, 2], alias: 'decoder.weight' }, { name: 'decoder.bias', shape: [3] }]);
  const numbers = Float32Array.from({ length: tied.size }, (_, i) => i);

  it('is written under both and read under one or both', () => {
    const tensors = toStateDict(tied, numbers);
    expect(tensors.map(({ name }) => name)).toEqual(['encoder.weight', 'decoder.weight', 'decoder.bias']);
    expect(fromStateDict(tied, tensors)).toEqual(numbers);
    expect(fromStateDict(tied, tensors.filter(({ name }) => name !== 'decoder.weight'))).toEqual(numbers);
  });

  it('is refused where they differ', () => {
    const tensors = toStateDict(tied, numbers);
    const other = { name: 'decoder.weight', shape: [3, 2], values: Float32Array.of(0, 1, 2, 3, 4, 9) };
    expect(() => fromStateDict(tied, tensors.map((tensor) => (tensor.name === 'decoder.weight' ? other : tensor)))).toThrow('expected decoder.weight to be encoder.weight, got other numbers');
  });
});
