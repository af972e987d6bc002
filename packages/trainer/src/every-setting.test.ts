import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelConfig } from '@bptt/core';
import { readStoredRun, type StoredRun } from '@bptt/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyFolder, trainStory } from './testing/story.js';
import type { TrainedRun, TrainOptions } from './train-language-model.js';
import { trainingSchema } from './training-settings.js';

/** What the runs of this file have in common unless they say otherwise: nine steps of ten, a validation after every third. */
const BASE: TrainOptions = { hidden: 4, batch: 8, microshards: 2, steps: 9, validEvery: 3, input: 'embedding', embedding: 4, lr: 1, backend: 'reference' };

interface Effect {
  /** What is changed. */
  readonly change: TrainOptions;
  /** Beside what; default nothing. */
  readonly beside?: TrainOptions;
  /** What the model of the changed run has and that of the other has not, where the setting shapes it. */
  readonly model?: Partial<ModelConfig>;
}

/** A change of each setting that must change the parameters, in a setting where it can. */
const CHANGES: Readonly<Record<string, Effect>> = {
  cell: { change: { cell: 'lstm' }, model: { cell: 'lstm' } },
  activation: { change: { activation: 'relu' }, model: { activation: 'relu' } },
  resetBefore: { change: { resetBefore: true }, beside: { cell: 'gru' }, model: { resetBefore: true } },
  hidden: { change: { hidden: 5 }, model: { hidden: [5] } },
  layers: { change: { layers: 2 }, model: { hidden: [4, 4] } },
  input: { change: { input: 'onehot' }, model: { input: 'onehot' } },
  embedding: { change: { embedding: 6 }, model: { embedding: 6 } },
  tied: { change: { tied: true }, model: { tied: true } },
  biases: { change: { biases: false }, model: { biases: false } },
  head: { change: { head: 'adaptive', cutoffs: '4,7', divValue: 2 }, model: { head: { kind: 'adaptive', cutoffs: [4, 7], divValue: 2 } } },
  cutoffs: { change: { cutoffs: '5,8' }, beside: { head: 'adaptive', cutoffs: '4,7', divValue: 2 }, model: { head: { kind: 'adaptive', cutoffs: [5, 8], divValue: 2 } } },
  divValue: { change: { divValue: 1 }, beside: { head: 'adaptive', cutoffs: '4,7', divValue: 2 }, model: { head: { kind: 'adaptive', cutoffs: [4, 7], divValue: 1 } } },
  vocabulary: { change: { vocabulary: 9 }, model: { vocabulary: 9 } },
  tokens: { change: { tokens: 'char' } },
  lowercase: { change: { lowercase: false } },
  sentences: { change: { sentences: 'line' } },
  truncation: { change: { truncation: 'window:1' } },
  reduction: { change: { reduction: 'sentenceSum' } },
  dropout: { change: { dropout: 0.5 } },
  variational: { change: { variational: true }, beside: { dropout: 0.5 } },
  ar: { change: { ar: 2 } },
  tar: { change: { tar: 2 } },
  omega: { change: { omega: 1 } },
  init: { change: { init: 'xavier' } },
  forgetBias: { change: { forgetBias: 1 }, beside: { cell: 'lstm' } },
  batch: { change: { batch: 4 } },
  optimizer: { change: { optimizer: 'adam' } },
  lr: { change: { lr: 0.5 } },
  momentum: { change: { momentum: 0.5 }, beside: { optimizer: 'momentum', lr: 0.1 } },
  betas: { change: { betas: '0.5,0.9' }, beside: { optimizer: 'adam', lr: 0.01 } },
  alpha: { change: { alpha: 0.5 }, beside: { optimizer: 'rmsprop', lr: 0.01 } },
  epsilon: { change: { epsilon: 1e-2 }, beside: { optimizer: 'adam', lr: 0.01 } },
  // A learning rate that makes every validation worse than the first, so that averages begin after one or after two.
  nonmono: { change: { nonmono: 2 }, beside: { optimizer: 'asgd', nonmono: 1, lr: 50, clip: 0, validEvery: 1 } },
  l2: { change: { l2: 0.1 } },
  weightDecay: { change: { weightDecay: 0.1 } },
  schedule: { change: { schedule: 'cosine:9' } },
  warmup: { change: { warmup: 5 } },
  clip: { change: { clip: 0.01 } },
  clipValue: { change: { clipValue: 0.01 }, beside: { clip: 0 } },
  explosion: { change: { explosion: 'shrink' }, beside: { lr: 1e6, clip: 0, activation: 'relu' } },
  epochs: { change: { epochs: 2 }, beside: { steps: undefined, epochs: 1 } },
  steps: { change: { steps: 8 } },
  validEvery: { change: { validEvery: 2 }, beside: { lr: 50, clip: 0, schedule: 'plateau:2' } },
  patience: { change: { patience: 1 }, beside: { lr: 50, clip: 0, validEvery: 1 } },
  initFrom: { change: { initFrom: 'base' } },
  seed: { change: { seed: 2 } },
};

/** A change of each setting that must not change them. */
const NO_CHANGES: Readonly<Record<string, TrainOptions>> = {
  run: { run: 'elsewhere' },
  checkpointEvery: { checkpointEvery: 2 },
  threads: { threads: 2 },
  cache: { cache: 'other-cache' },
};

/** A change of each setting that may change the last bits of the parameters and no more, and what says that it is in force: a part of the stored run. */
const ROUNDING: Readonly<Record<string, { readonly change: TrainOptions; readonly inForce: (stored: StoredRun) => unknown; readonly from: unknown; readonly to: unknown }>> = {
  // Data that are cut into another number of microshards than the configuration says are refused.
  microshards: { change: { microshards: 4 }, inForce: ({ config }) => config.microshards, from: 2, to: 4 },
  backend: { change: { backend: 'simd' }, inForce: ({ backendId }) => backendId, from: 'reference/1', to: 'simd/3' },
  device: { change: { backend: 'gpu', device: 'cpu' }, inForce: ({ backendId }) => backendId.slice(0, 'gpu-cpu-v8'.length), from: 'reference/', to: 'gpu-cpu-v8' },
};

/** Of the command line alone. */
const OTHERS = ['samples'];

const folder = storyFolder();
const trained = new Map<string, TrainedRun>();
let runs = 0;

async function runOf(options: TrainOptions): Promise<TrainedRun> {
  const { run, initFrom, cache, ...others } = options;
  const key = JSON.stringify([others, initFrom]);
  const known = run === undefined && cache === undefined ? trained.get(key) : undefined;
  if (known !== undefined) return known;
  runs += 1;
  const result = await trainStory(folder, {
    ...BASE, ...others, run: join(folder, run ?? `run-${String(runs)}`), ...(initFrom !== undefined && { initFrom: join(folder, initFrom) }), ...(cache !== undefined && { cache: join(folder, cache) }),
  });
  if (run === undefined) trained.set(key, result);
  return result;
}

beforeAll(async () => {
  const sentence = (i: number): string => `The ${['whale', 'ship', 'sea'][i % 3]} Is ${['old', 'white'][i % 2]}. ${['the sea', 'A ship', 'old'][i % 3]} the sea is the ${['whale', 'old', 'white'][(i * 7) % 3]}.`;
  writeFileSync(join(folder, 'story.txt'), Array.from({ length: 40 }, (_, i) => `${sentence(i)}\n\n`).join(''));
  await trainStory(folder, { ...BASE, seed: 9, run: join(folder, 'base') });
});
afterAll(() => { rmSync(folder, { recursive: true, maxRetries: 5 }); });

describe('every setting', () => {
  it('is spoken of here', () => {
    expect([CHANGES, ROUNDING, NO_CHANGES].flatMap(Object.keys).concat(OTHERS).sort()).toEqual(Object.keys(trainingSchema.shape).sort());
  });

  it.each(Object.entries(CHANGES))('%s changes the parameters that a run ends with, and the model where it shapes it', async (_, { change, beside = {}, model }) => {
    const [without, changed] = [await runOf(beside), await runOf({ ...beside, ...change })];
    expect(changed.parametersSha256).not.toBe(without.parametersSha256);
    if (model === undefined) return;
    expect(readStoredRun(without.runDirectory).config.model).not.toMatchObject(model);
    expect(readStoredRun(changed.runDirectory).config.model).toMatchObject(model);
  });

  it.each(Object.entries(ROUNDING))('%s is in force, and changes no more than rounding', async (_, { change, inForce, from, to }) => {
    const [without, changed] = [await runOf({}), await runOf(change)];
    expect([without, changed].map(({ runDirectory }) => inForce(readStoredRun(runDirectory)))).toEqual([from, to]);
    expect(changed.validLoss).toBeCloseTo(without.validLoss, 4);
  });

  it.each(Object.entries(NO_CHANGES))('%s changes no bit of the parameters', async (_, change) => {
    expect((await runOf(change)).parametersSha256).toBe((await runOf({})).parametersSha256);
  });
});
