import { describe, expect, it } from 'vitest';
import type { Gradient } from '../gradient.js';
import { layOut } from '../parameters.js';
import { sgdStep } from './sgd.js';

const layout = layOut([{ name: 'w', shape: [2] }, { name: 'encoder.weight', shape: [3, 2], rowSparse: true }, { name: 'b', shape: [1] }]);

describe('sgdStep', () => {
  it('subtracts lr times the gradient from dense tensors and from the rows that have one', () => {
    const parameters = Float32Array.of(1, 2, 10, 11, 20, 21, 30, 31, 5);
    const gradient: Gradient = { dense: Float32Array.of(2, 4, 8), sparse: [{ rows: Uint32Array.of(0, 2), values: Float32Array.of(1, 2, 3, 4) }] };
    const before = parameters.slice();
    const after = new Float32Array(9).fill(NaN);
    sgdStep({ layout, parameters, gradient, learningRate: 0.5 }, after);
    // p - 0.5 g: [1 - 1, 2 - 2], rows [10 - .5, 11 - 1], [20, 21], [30 - 1.5, 31 - 2], [5 - 4]
    expect(Array.from(after)).toEqual([0, 0, 9.5, 10, 20, 21, 28.5, 29, 1]);
    expect(parameters).toEqual(before);
  });

  it('writes no rows but those with a gradient and the stale ones, where these are known', () => {
    const parameters = Float32Array.of(1, 2, 10, 11, 20, 21, 30, 31, 5);
    const gradient: Gradient = { dense: Float32Array.of(2, 4, 8), sparse: [{ rows: Uint32Array.of(0), values: Float32Array.of(1, 2) }] };
    const after = new Float32Array(9).fill(77);
    sgdStep({ layout, parameters, gradient, learningRate: 0.5 }, after, undefined, [Uint32Array.of(2, 0)]);
    expect(Array.from(after)).toEqual([0, 0, 9.5, 10, 77, 77, 30, 31, 1]);
  });

  it('keeps the bits of rows without a gradient, also a negative zero', () => {
    const parameters = new Float32Array(layout.size).fill(-0);
    const after = new Float32Array(layout.size);
    sgdStep({ layout, parameters, gradient: { dense: new Float32Array(3), sparse: [{ rows: new Uint32Array(0), values: new Float32Array(0) }] }, learningRate: 1 }, after);
    expect(Object.is(after[3], -0)).toBe(true);
  });
});
