import { MODEL_DEFAULTS, type ModelConfig } from '../model-config.js';
import { OBJECTIVE_DEFAULTS, type Objective } from '../objective.js';

/** A small model: tanh, biases, one-hot input, V 7, H 5, one layer; whatever is given replaces that. */
export function smallModel(changes: Partial<ModelConfig> = {}): ModelConfig {
  return { ...MODEL_DEFAULTS, vocabulary: 7, embedding: 4, hidden: [5], ...changes };
}

/** The defaults, differentiated as `changes` says. */
export function objective(changes: Partial<Objective> = {}): Objective {
  return { ...OBJECTIVE_DEFAULTS, ...changes };
}

export { modelMicroshard, randomMicroshard, randomValues, type RandomMicroshardOptions } from '../random-microshard.js';
