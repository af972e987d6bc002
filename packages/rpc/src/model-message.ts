import { assertLegal, BpttError, formatTruncation, parseTruncation, type HeadConfig, type ModelConfig, type Objective } from '@bptt/core';
import type { Head__Output } from './gen/bptt/v1/Head.js';
import type { ModelConfig__Output } from './gen/bptt/v1/ModelConfig.js';
import type { Objective__Output } from './gen/bptt/v1/Objective.js';

/** `model` as it travels. */
export function modelMessageOf({ hidden, head, ...model }: ModelConfig): ModelConfig__Output {
  return { ...model, hidden: [...hidden], head: headMessageOf(head) };
}

/**
 * The model that `message` describes.
 * @throws BpttError `invalid-argument` for a message that is absent or names a model that this version cannot compute
 */
export function modelOf(message: ModelConfig__Output | null): ModelConfig {
  if (message === null) throw new BpttError('invalid-argument', 'model: expected a ModelConfig, got none');
  const { biases, vocabulary, embedding, hidden, resetBefore, tied } = message;
  // The names are checked below, in the one place that knows which are legal.
  const names = message as Pick<ModelConfig, 'cell' | 'activation' | 'input'>;
  const model: ModelConfig = {
    cell: names.cell, activation: names.activation, resetBefore, biases, input: names.input, vocabulary, embedding, hidden, tied, head: headOfMessage(message.head),
  };
  assertLegal({ model });
  return model;
}

/** `objective` as it travels. */
export function objectiveMessageOf({ truncation, ...objective }: Objective): Objective__Output {
  return { ...objective, truncation: formatTruncation(truncation) };
}

/**
 * The objective that `message` describes for `model`.
 * @throws BpttError `invalid-argument` for a message that is absent or does not go together with the model
 */
export function objectiveOf(message: Objective__Output | null, model: ModelConfig): Objective {
  if (message === null) throw new BpttError('invalid-argument', 'objective: expected an Objective, got none');
  const { dropout, variational, ar, tar, omega } = message;
  const { reduction } = message as Pick<Objective, 'reduction'>;
  const objective: Objective = { truncation: parseTruncation(message.truncation), reduction, dropout, variational, ar, tar, omega };
  assertLegal({ model, objective });
  return objective;
}

function headMessageOf(head: HeadConfig): Head__Output {
  const nothing = { cutoffs: [], divValue: 0, outputs: 0 };
  switch (head.kind) {
    case 'softmax':
      return { ...nothing, kind: head.kind };
    case 'adaptive':
      return { ...nothing, kind: head.kind, cutoffs: [...head.cutoffs], divValue: head.divValue };
    case 'lastSoftmax':
      return { ...nothing, kind: head.kind, outputs: head.classes };
    case 'lastSquaredError':
      return { ...nothing, kind: head.kind, outputs: head.outputs };
  }
}

function headOfMessage(message: Head__Output | null): HeadConfig {
  const { kind = '', cutoffs = [], divValue = 0, outputs = 0 } = message ?? {};
  switch (kind) {
    case 'softmax':
      return { kind };
    case 'adaptive':
      return { kind, cutoffs, divValue };
    case 'lastSoftmax':
      return { kind, classes: outputs };
    case 'lastSquaredError':
      return { kind, outputs };
    default:
      throw new BpttError('invalid-argument', `model: expected a head of a known kind, got ${JSON.stringify(kind)}`);
  }
}
