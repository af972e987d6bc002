import { describe, expect, it } from 'vitest';
import { createOptimizer, layOut, optimizerConfig, plainArithmetic, type Gradient } from '@bptt/core';
import { applyStep, type StepUpdate } from './update.js';

const layout = layOut([
  { name: 'rnn.weight_ih_l0', shape: [3, 2], rowSparse: true },
  { name: 'rnn.weight_hh_l0', shape: [2, 2] },
  { name: 'decoder.bias', shape: [1] },
]);
const parameters = Float32Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 7);

function gradientOf(dense: readonly number[], row = [0, 0]): Gradient {
  return { dense: Float32Array.from(dense), sparse: [{ rows: Uint32Array.of(1), values: Float32Array.from(row) }] };
}

function step(changes: Partial<StepUpdate> = {}): { into: Float32Array; result: ReturnType<typeof applyStep> } {
  const optimizer = changes.optimizer ?? createOptimizer(optimizerConfig('sgd'));
  const slots = optimizer.slots.map(() => new Float32Array(layout.size));
  const into = { parameters: new Float32Array(layout.size).fill(NaN), slots: slots.map((slot) => slot.slice()) };
  const gradient = gradientOf([6, 0, 0, 0, 0], [8, 0]);
  const result = applyStep({ arithmetic: plainArithmetic, layout, optimizer, parameters, slots, updates: 0, gradient, divisor: 2, clip: { kind: 'none' }, learningRate: 1, policy: 'skip', ...changes }, into);
  return { into: into.parameters, result };
}

describe('applyStep', () => {
  it('divides, measures the norm and descends, leaving the old parameters alone', () => {
    const before = parameters.slice();
    const { into, result } = step();
    expect(result).toEqual({ outcome: 'updated', gradientNorm: 5, clipped: false });
    expect([...into]).toEqual([1, 2, -1, 4, 5, 6, 7, 20, 30, 40, 7]);
    expect(parameters).toEqual(before);
  });

  it('clips by the global norm after the division', () => {
    const { into, result } = step({ clip: { kind: 'norm', threshold: 2.5 } });
    expect(result).toEqual({ outcome: 'updated', gradientNorm: 5, clipped: true });
    expect([into[2], into[6]]).toEqual([3 - 2, 10 - 1.5]);
  });

  it('clips by value after the division', () => {
    const { into, result } = step({ clip: { kind: 'value', threshold: 3.5 } });
    expect(result).toEqual({ outcome: 'updated', gradientNorm: 5, clipped: true });
    expect([into[2], into[6]]).toEqual([3 - 3.5, 10 - 3]);
  });

  it('keeps the parameters where a batch has no targets', () => {
    const { into, result } = step({ divisor: 0, gradient: undefined });
    expect(result).toEqual({ outcome: 'empty', gradientNorm: 0, clipped: false });
    expect(into).toEqual(parameters);
  });

  it.each([
    ['a microshard exploded', { gradient: undefined }],
    ['a sum overflowed', { gradient: gradientOf([Infinity, 0, 0, 0, 0]) }],
    ['a sparse row is not finite', { gradient: gradientOf([0, 0, 0, 0, 0], [NaN, 0]) }],
    ['the step itself overflows', { gradient: gradientOf([3e38, 0, 0, 0, 0]), learningRate: 1e10 }],
    ['a slot of the optimiser overflows', { gradient: gradientOf([1e30, 0, 0, 0, 0]), optimizer: createOptimizer(optimizerConfig('adagrad')) }],
  ])('keeps the parameters under the policy skip where %s', (_what, changes) => {
    const { into, result } = step(changes);
    expect(result).toEqual({ outcome: 'skipped', gradientNorm: NaN, clipped: false });
    expect(into).toEqual(parameters);
  });

  it('says that the run stops under the policy stop', () => {
    expect(step({ gradient: undefined, policy: 'stop' }).result.outcome).toBe('stopped');
  });

  it('makes recurrent matrices, and nothing else, smaller under the policy shrink', () => {
    const { into, result } = step({ gradient: undefined, policy: 'shrink', learningRate: 0.5 });
    expect(result.outcome).toBe('shrunk');
    expect([...into.subarray(0, 6)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(into[6]).toBeCloseTo(10 - 0.5 * 0.02 * 10, 5);
    expect(into[9]).toBeCloseTo(40 - 0.5 * 0.02 * 40, 5);
    expect(into[10]).toBe(7);
  });
});
