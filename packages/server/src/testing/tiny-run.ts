import { addCounts, countMicroshard, INITIALIZATION_DEFAULTS, OBJECTIVE_DEFAULTS, optimizerConfig, type Microshard } from '@bptt/core';
import { randomMicroshard, smallModel } from '@bptt/core/testing';
import type { RunConfig } from '../run-config.js';
import type { RunData, TrainingBatch } from '../run-data.js';

const STEPS_PER_EPOCH = 4;
const LANES = 2;

/** A run that takes milliseconds: V 7, H 5, 3 microshards, 4 steps an epoch. `changes` replace what it has. */
export function tinyConfig(changes: Partial<RunConfig> = {}): RunConfig {
  return {
    model: smallModel(),
    initialization: INITIALIZATION_DEFAULTS,
    seed: 1,
    objective: OBJECTIVE_DEFAULTS,
    batch: 6,
    microshards: 3,
    optimizer: optimizerConfig('sgd'),
    learningRate: 0.5,
    schedule: { kind: 'constant' },
    warmup: 0,
    clip: { kind: 'norm', threshold: 1 },
    explosion: 'skip',
    validEvery: 0,
    checkpointEvery: 0,
    corpus: { source: 'random words', tokens: 'word', lowercase: true, sentences: 'auto' },
    ...changes,
  };
}

/** Random words for `config`, the same for each call. In sentence mode the second microshard of each first batch is empty. */
export function tinyData(config: RunConfig): RunData {
  const { microshards: K, model, objective: { truncation } } = config;
  return {
    hash: 'random-words',
    stepsPerEpoch: STEPS_PER_EPOCH,
    microshards: K,
    batch: (step) => batchOf(Array.from({ length: K }, (_, index) => trainingMicroshard(step, index)), step),
    evaluation: { count: 5, microshard: (index) => randomMicroshard({ vocabulary: model.vocabulary, lengths: [3, 4], seed: 999, index }) },
  };

  function trainingMicroshard(step: number, index: number): Microshard | undefined {
    if (truncation.kind === 'chunk') return randomMicroshard({ vocabulary: model.vocabulary, lengths: Array.from({ length: LANES }, () => truncation.k), seed: 100 + step, index });
    if (K > 2 && index === 1 && step % STEPS_PER_EPOCH === 0) return undefined;
    return randomMicroshard({ vocabulary: model.vocabulary, lengths: [2 + (step % 3), 3 + index], seed: 100 + step, index });
  }
}

function batchOf(microshards: readonly (Microshard | undefined)[], step: number): TrainingBatch {
  const present = microshards.filter((microshard) => microshard !== undefined);
  return {
    epoch: Math.floor(step / STEPS_PER_EPOCH),
    startsEpoch: step % STEPS_PER_EPOCH === 0,
    microshards,
    counts: addCounts(present.map(countMicroshard)),
  };
}
