import type { ModelConfig } from '../model-config.js';
import { adaptiveSoftmax } from './adaptive-softmax.js';
import type { Head } from './head.js';
import { lastSoftmax, lastSquaredError } from './last-step.js';
import { softmax } from './softmax.js';

/** The head of `model`. */
export function headOf(model: ModelConfig): Head {
  switch (model.head.kind) {
    case 'softmax':
      return softmax(model);
    case 'adaptive':
      return adaptiveSoftmax(model, model.head);
    case 'lastSoftmax':
      return lastSoftmax(model, model.head.classes);
    case 'lastSquaredError':
      return lastSquaredError(model, model.head.outputs);
  }
}
