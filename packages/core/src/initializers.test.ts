import { describe, expect, it } from 'vitest';
import { formatInitializer, parseInitializer, type Initialization } from './initializers.js';
import { initializeParameters, parameterLayout } from './language-model.js';
import type { ModelConfig } from './model-config.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { spectralRadius } from './spectral.js';
import { smallModel } from './testing/index.js';

const MODEL = smallModel({ vocabulary: 60, hidden: [24] });

function initialized(init: string, model: ModelConfig = MODEL, others: Omit<Initialization, 'init'> = {}): (name: string) => Float32Array {
  const values = initializeParameters(model, 3, { init: parseInitializer(init), ...others });
  return (name) => viewTensor(values, tensorNamed(parameterLayout(model), name));
}

function largest(values: Float32Array): number {
  return values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

describe('initializers', () => {
  it.each(['uniformFanIn', 'uniform:0.05', 'xavier', 'orthogonal', 'identity', 'spectralRadius:1.1'])('%s is read and written', (text) => {
    expect(formatInitializer(parseInitializer(text))).toBe(text);
  });

  it.each(['', 'uniform', 'uniform:0', 'uniform:-1', 'spectralRadius:x', 'uniform:1e999', 'spectralRadius:1e999', 'gaussian', 'xavier:1'])('%j is refused', (text) => {
    expect(() => parseInitializer(text)).toThrow('init: expected uniformFanIn, xavier, orthogonal, identity, uniform:a or spectralRadius:r (a and r above 0), got');
  });

  it('uniform(a) draws everything from U[-a, a]', () => {
    const tensor = initialized('uniform:0.05');
    for (const { name } of parameterLayout(MODEL).tensors) {
      expect(largest(tensor(name)), name).toBeLessThanOrEqual(Math.fround(0.05));
      expect(largest(tensor(name)), name).toBeGreaterThan(0.04);
    }
  });

  it('xavier draws weights by both fans of one gate and has no biases', () => {
    const model = smallModel({ cell: 'lstm', vocabulary: 60, hidden: [24] });
    const tensor = initialized('xavier', model);
    for (const [name, fanIn, fanOut] of [['rnn.weight_ih_l0', 60, 24], ['rnn.weight_hh_l0', 24, 24], ['decoder.weight', 24, 60]] as const) {
      const bound = Math.sqrt(6 / (fanIn + fanOut));
      expect(largest(tensor(name)), name).toBeLessThanOrEqual(bound);
      expect(largest(tensor(name)), name).toBeGreaterThan(0.95 * bound);
    }
    expect(largest(tensor('rnn.bias_hh_l0')) + largest(tensor('decoder.bias'))).toBe(0);
  });

  it('orthogonal makes the block of every gate orthogonal, each another one', () => {
    const H = 24;
    const weights = initialized('orthogonal', smallModel({ cell: 'gru', vocabulary: 60, hidden: [H] }))('rnn.weight_hh_l0');
    for (let gate = 0; gate < 3; gate += 1) {
      const row = (i: number): Float32Array => weights.subarray((gate * H + i) * H, (gate * H + i + 1) * H);
      for (let i = 0; i < H; i += 1) for (let j = 0; j < H; j += 1) expect(row(i).reduce((sum, x, k) => sum + x * row(j)[k], 0)).toBeCloseTo(i === j ? 1 : 0, 6);
    }
    expect(weights.slice(0, H * H)).not.toEqual(weights.slice(H * H, 2 * H * H));
  });

  it('identity makes W_hh the identity', () => {
    const weights = initialized('identity', smallModel({ activation: 'relu' }))('rnn.weight_hh_l0');
    expect(Array.from(weights)).toEqual(Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)));
  });

  it('spectralRadius(r) makes 15 connections into every unit and the radius r', () => {
    const H = 40;
    const weights = initialized('spectralRadius:1.25', smallModel({ hidden: [H] }))('rnn.weight_hh_l0');
    for (let i = 0; i < H; i += 1) expect(weights.subarray(i * H, (i + 1) * H).filter((x) => x !== 0)).toHaveLength(15);
    expect(spectralRadius(weights, H)).toBeCloseTo(1.25, 6);
  });

  it('a forget bias stands in bias_ih alone, and only at the forget gate', () => {
    const model = smallModel({ cell: 'lstm', hidden: [3, 2] });
    const tensor = initialized('xavier', model, { forgetBias: 1.5 });
    expect(Array.from(tensor('rnn.bias_ih_l0'))).toEqual([0, 0, 0, 1.5, 1.5, 1.5, 0, 0, 0, 0, 0, 0]);
    expect(Array.from(tensor('rnn.bias_ih_l1'))).toEqual([0, 0, 1.5, 1.5, 0, 0, 0, 0]);
    expect(largest(tensor('rnn.bias_hh_l0'))).toBe(0);
    const drawn = initialized('uniformFanIn', model, { forgetBias: 1.5 });
    expect(Array.from(drawn('rnn.bias_hh_l0').subarray(3, 6))).toEqual([0, 0, 0]);
    expect(largest(drawn('rnn.bias_hh_l0'))).toBeGreaterThan(0);
  });

  it('a tensor begins the same whatever other tensors the model has', () => {
    const shallow = initialized('orthogonal', smallModel({ hidden: [5] }));
    const deep = initialized('orthogonal', smallModel({ hidden: [5, 5] }));
    expect(deep('rnn.weight_hh_l0')).toEqual(shallow('rnn.weight_hh_l0'));
  });
});
