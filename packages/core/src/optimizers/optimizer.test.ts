import { describe, expect, it } from 'vitest';
import { layOut } from '../parameters.js';
import golden from '../testing/golden/optimizers.json' with { type: 'json' };
import { describeOptimizer, gradientOf, startOptimizer, stepOptimizer } from '../testing/optimizer-contract.js';
import { relativeDistance } from '../testing/relative-distance.js';
import { averageIterate } from './asgd.js';
import { createOptimizer, optimizerConfig, OPTIMIZERS, parseBetas, type OptimizerName, type OptimizerSettings } from './optimizer-config.js';

/** Rates at which the bowl of the contract is descended in 400 steps. */
const RATES: Readonly<Record<OptimizerName, number>> = { sgd: 0.05, momentum: 0.02, nesterov: 0.02, adagrad: 0.2, rmsprop: 0.005, adam: 0.02, adamw: 0.02, asgd: 0.05 };
/** Float32 parameters and slots beside float64 ones, after ten steps; relative to the norm. */
const TOLERANCE = 1e-6;

for (const name of OPTIMIZERS) {
  describeOptimizer(name, () => createOptimizer(optimizerConfig(name)), RATES[name]);
  describeOptimizer(`${name} with decay`, () => createOptimizer(optimizerConfig(name, { l2: 0.01, weightDecay: 0.02 })), RATES[name]);
}

describe('ten steps of PyTorch', () => {
  const layout = layOut(golden.tensors.map((tensor) => ({ ...tensor, rowSparse: tensor.name === 'encoder.weight' })));

  it('are there for every optimiser', () => {
    expect(new Set(golden.cases.map(({ name }) => name))).toEqual(new Set(OPTIMIZERS));
  });

  it.each(golden.cases.map((given) => ({ ...given, shown: JSON.stringify(given.settings) })))('are those of $name with $shown', ({ name, settings, parameters, averageFrom = Infinity, average }) => {
    const optimizer = createOptimizer(optimizerConfig(name as OptimizerName, settings as OptimizerSettings));
    let state = startOptimizer(optimizer, Float32Array.from(golden.start));
    const mean = new Float32Array(layout.size);
    parameters.forEach((expected, step) => {
      state = stepOptimizer(optimizer, state, { layout, gradient: gradientOf(layout, Float32Array.from(golden.gradients[step])), learningRate: golden.learningRate });
      expect(relativeDistance(state.parameters, Float64Array.from(expected))).toBeLessThan(TOLERANCE);
      if (step >= averageFrom) averageIterate(mean, state.parameters, step - averageFrom);
    });
    expect(parameters).toHaveLength(10);
    if (average !== undefined) expect(relativeDistance(mean, Float64Array.from(average))).toBeLessThan(TOLERANCE);
  });
});

describe('decay', () => {
  const layout = layOut([{ name: 'w', shape: [2] }, { name: 'encoder.weight', shape: [2, 1], rowSparse: true }]);
  const start = Float32Array.of(1, -2, 3, -4);

  it.each(OPTIMIZERS)('decoupled, takes lr times its share from every parameter, rows without a gradient included: %s', (name) => {
    const optimizer = createOptimizer(optimizerConfig(name, { weightDecay: 0.5 }));
    const { parameters } = stepOptimizer(optimizer, startOptimizer(optimizer, start), { layout, gradient: gradientOf(layout, new Float32Array(4)), learningRate: 0.25 });
    expect([...parameters]).toEqual([...start].map((p) => p * (1 - 0.25 * 0.5)));
  });

  it.each(OPTIMIZERS)('coupled, is a gradient of l2 times the parameters: %s', (name) => {
    const settings = { l2: 0.5, weightDecay: 0 };
    const decayed = createOptimizer(optimizerConfig(name, settings));
    const plain = createOptimizer(optimizerConfig(name, { weightDecay: 0 }));
    const still = gradientOf(layout, new Float32Array(4));
    const pulled = gradientOf(layout, start.map((p) => 0.5 * p));
    expect(stepOptimizer(decayed, startOptimizer(decayed, start), { layout, gradient: still, learningRate: 0.25 }).parameters)
      .toEqual(stepOptimizer(plain, startOptimizer(plain, start), { layout, gradient: pulled, learningRate: 0.25 }).parameters);
  });
});

describe('optimizerConfig', () => {
  it('has the defaults of PyTorch', () => {
    expect(optimizerConfig('momentum')).toEqual({ name: 'momentum', momentum: 0.9, l2: 0, weightDecay: 0 });
    expect(optimizerConfig('adagrad')).toMatchObject({ epsilon: 1e-10 });
    expect(optimizerConfig('rmsprop')).toMatchObject({ alpha: 0.99, epsilon: 1e-8 });
    expect(optimizerConfig('adam')).toMatchObject({ betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 });
    expect(optimizerConfig('adamw')).toMatchObject({ weightDecay: 0.01 });
  });

  it('takes what is given and leaves out what is undefined', () => {
    expect(optimizerConfig('adam', { betas: [0.5, 0.6], epsilon: undefined })).toEqual({ name: 'adam', betas: [0.5, 0.6], epsilon: 1e-8, l2: 0, weightDecay: 0 });
  });

  it.each<[OptimizerName, OptimizerSettings, string]>([
    ['sgd', { betas: [0.9, 0.99] }, 'betas: expected only with optimizer adam or adamw, got optimizer sgd'],
    ['adam', { momentum: 0.5 }, 'momentum: expected only with optimizer momentum or nesterov, got optimizer adam'],
    ['momentum', { momentum: 1 }, 'momentum: expected a number from 0 and below 1, got 1'],
    ['adam', { betas: [0.9, NaN] }, 'betas: expected a number from 0 and below 1, got 0.9,NaN'],
    ['adam', { epsilon: 0 }, 'epsilon: expected a number above 0, got 0'],
    ['asgd', { nonmono: 0 }, 'nonmono: expected a whole number from 1, got 0'],
    ['sgd', { l2: -1 }, 'l2: expected a number from 0, got -1'],
    ['sgd', { weightDecay: Infinity }, 'weightDecay: expected a number from 0, got Infinity'],
  ])('refuses %s with %j', (name, settings, message) => {
    expect(() => optimizerConfig(name, settings)).toThrow(expect.objectContaining({ code: 'invalid-argument', message }) as Error);
  });
});

describe('parseBetas', () => {
  it('reads two numbers', () => {
    expect(parseBetas('0.9,0.98')).toEqual([0.9, 0.98]);
  });

  it.each(['', '0.9', '0.9,', '0.9,0.9,0.9', 'a,b'])('refuses %j', (text) => {
    expect(() => parseBetas(text)).toThrow('betas: expected two numbers first,second');
  });
});
