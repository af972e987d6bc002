import { ACTIVATIONS, INPUTS, type ModelConfig } from '@bptt/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelMessageOf, modelOf } from './model-message.js';

const models: fc.Arbitrary<ModelConfig> = fc.record({
  cell: fc.constant('rnn'),
  activation: fc.constantFrom(...ACTIVATIONS),
  biases: fc.boolean(),
  input: fc.constantFrom(...INPUTS),
  vocabulary: fc.integer({ min: 4, max: 100_000 }),
  embedding: fc.integer({ min: 1, max: 4096 }),
  hidden: fc.integer({ min: 1, max: 4096 }),
  layers: fc.integer({ min: 1, max: 8 }),
});

test('a model comes back from its message', () => {
  fc.assert(fc.property(models, (model) => {
    expect(modelOf(modelMessageOf(model))).toEqual(model);
  }));
});

test('refuses a message of a model that it cannot compute, and none', () => {
  const message = { cell: 'rnn', activation: 'tanh', biases: false, input: 'onehot', vocabulary: 8, embedding: 0, hidden: 4, layers: 1 };
  expect(modelOf(message)).toEqual(message);
  expect(() => modelOf({ ...message, cell: 'transformer' })).toThrow('cell: expected one of');
  expect(() => modelOf({ ...message, hidden: 0 })).toThrow('hidden: expected a whole number from 1');
  expect(() => modelOf(null)).toThrow('expected a ModelConfig, got none');
});
