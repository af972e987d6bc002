import { ACTIVATIONS, MODEL_DEFAULTS, OBJECTIVE_DEFAULTS, REDUCTIONS, legal, type HeadConfig, type ModelConfig, type Objective } from '@bptt/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelMessageOf, modelOf, objectiveMessageOf, objectiveOf } from './model-message.js';

const heads: fc.Arbitrary<HeadConfig> = fc.oneof(
  fc.constant({ kind: 'softmax' } as const),
  fc.constant({ kind: 'adaptive', cutoffs: [2, 3], divValue: 1.5 } as const),
  fc.record({ kind: fc.constant('lastSoftmax' as const), classes: fc.integer({ min: 2, max: 100 }) }),
  fc.record({ kind: fc.constant('lastSquaredError' as const), outputs: fc.integer({ min: 1, max: 100 }) }),
);
const models: fc.Arbitrary<ModelConfig> = fc.record({
  cell: fc.constantFrom('rnn', 'gru', 'lstm'),
  activation: fc.constantFrom(...ACTIVATIONS),
  resetBefore: fc.boolean(),
  biases: fc.boolean(),
  input: fc.constantFrom('onehot', 'embedding', 'dense'),
  vocabulary: fc.integer({ min: 4, max: 100_000 }),
  embedding: fc.integer({ min: 1, max: 4096 }),
  hidden: fc.array(fc.integer({ min: 4, max: 4096 }), { minLength: 1, maxLength: 8 }),
  tied: fc.boolean(),
  head: heads,
}).filter((model) => legal({ model }).length === 0);
const objectives: fc.Arbitrary<Objective> = fc.record({
  truncation: fc.constantFrom({ kind: 'full' } as const, { kind: 'window', k: 4 } as const, { kind: 'chunk', k: 35 } as const),
  reduction: fc.constantFrom(...REDUCTIONS),
  dropout: fc.constantFrom(0, 0.5),
  variational: fc.boolean(),
  ar: fc.constantFrom(0, 2),
  tar: fc.constantFrom(0, 0.1),
  omega: fc.constantFrom(0, 1e-3),
});

test('a model and its objective come back from their messages', () => {
  fc.assert(fc.property(models, objectives, (model, objective) => {
    expect(modelOf(modelMessageOf(model))).toEqual(model);
    if (legal({ model, objective }).length === 0) expect(objectiveOf(objectiveMessageOf(objective), model)).toEqual(objective);
  }));
});

test('refuses a message of a model that it cannot compute, and none', () => {
  const message = modelMessageOf(MODEL_DEFAULTS);
  expect(() => modelOf({ ...message, cell: 'transformer' })).toThrow('cell: expected one of');
  expect(() => modelOf({ ...message, hidden: [0] })).toThrow('hidden: expected a whole number from 1');
  expect(() => modelOf({ ...message, head: { kind: 'ctc', cutoffs: [], divValue: 0, outputs: 0 } })).toThrow('model: expected a head of a known kind, got "ctc"');
  expect(() => modelOf({ ...message, head: null })).toThrow('model: expected a head of a known kind, got ""');
  expect(() => modelOf(null)).toThrow('expected a ModelConfig, got none');
});

test('refuses an objective that does not go with the model, and none', () => {
  const message = objectiveMessageOf(OBJECTIVE_DEFAULTS);
  expect(() => objectiveOf({ ...message, truncation: 'tail:3' }, MODEL_DEFAULTS)).toThrow('truncation: expected');
  expect(() => objectiveOf({ ...message, reduction: 'max' }, MODEL_DEFAULTS)).toThrow('reduction: expected one of');
  expect(() => objectiveOf({ ...message, omega: 1 }, { ...MODEL_DEFAULTS, cell: 'gru' })).toThrow('omega: expected cell rnn');
  expect(() => objectiveOf(null, MODEL_DEFAULTS)).toThrow('expected an Objective, got none');
});
