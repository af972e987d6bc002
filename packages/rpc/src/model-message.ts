import { assertLegalModel, BpttError, type Activation, type CellName, type InputKind, type ModelConfig } from '@bptt/core';
import type { ModelConfig__Output } from './gen/bptt/v1/ModelConfig.js';

/** `model` as it travels. */
export function modelMessageOf(model: ModelConfig): ModelConfig__Output {
  const { cell, activation, biases, input, vocabulary, embedding, hidden, layers } = model;
  return { cell, activation, biases, input, vocabulary, embedding, hidden, layers };
}

/**
 * The model that `message` describes.
 * @throws BpttError `invalid-argument` for a message that is absent or names a model that this version cannot compute
 */
export function modelOf(message: ModelConfig__Output | null): ModelConfig {
  if (message === null) throw new BpttError('invalid-argument', 'model: expected a ModelConfig, got none');
  const { biases, vocabulary, embedding, hidden, layers } = message;
  // The names are checked below, in the one place that knows which are legal.
  const names = message as { cell: CellName; activation: Activation; input: InputKind };
  const model: ModelConfig = { cell: names.cell, activation: names.activation, biases, input: names.input, vocabulary, embedding, hidden, layers };
  assertLegalModel(model);
  return model;
}
