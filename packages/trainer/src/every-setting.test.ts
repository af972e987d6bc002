import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyFolder, trainStory } from './testing/story.js';
import type { TrainOptions } from './train-language-model.js';
import { trainingSchema } from './training-settings.js';

/** What the runs of this file have in common unless they say otherwise: nine steps of ten, a validation after every third. */
const BASE: TrainOptions = { hidden: 4, batch: 8, microshards: 2, steps: 9, validEvery: 3, input: 'embedding', embedding: 4, lr: 1, backend: 'reference' };

interface Effect {
  /** What is changed. */
  readonly change: TrainOptions;
  /** Beside what; default nothing. */
  readonly beside?: TrainOptions;
}

/** A change of each setting that must change the parameters, in a setting where it can. */
const CHANGES: Readonly<Record<string, Effect>> = {
  cell: { change: { cell: 'lstm' } },
  activation: { change: { activation: 'relu' } },
  resetBefore: { change: { resetBefore: true }, beside: { cell: 'gru' } },
  hidden: { change: { hidden: 5 } },
  layers: { change: { layers: 2 } },
  input: { change: { input: 'onehot' } },
  embedding: { change: { embedding: 6 } },
  tied: { change: { tied: true } },
  biases: { change: { biases: false } },
  head: { change: { head: 'adaptive', cutoffs: '4,7', divValue: 2 } },
  cutoffs: { change: { cutoffs: '5,8' }, beside: { head: 'adaptive', cutoffs: '4,7', divValue: 2 } },
  divValue: { change: { divValue: 1 }, beside: { head: 'adaptive', cutoffs: '4,7', divValue: 2 } },
  vocabulary: { change: { vocabulary: 9 } },
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

/** Microshards and backends may change the last bits: nothing can be said but that they are in force. `samples` is of the command line alone. */
const OTHERS = ['microshards', 'backend', 'samples'];

const folder = storyFolder();
const hashes = new Map<string, string>();
let runs = 0;

async function hashOf(options: TrainOptions): Promise<string> {
  const { run, initFrom, cache, ...others } = options;
  const key = JSON.stringify([others, initFrom]);
  const known = run === undefined && cache === undefined ? hashes.get(key) : undefined;
  if (known !== undefined) return known;
  runs += 1;
  const { parametersSha256 } = await trainStory(folder, {
    ...BASE, ...others, run: join(folder, run ?? `run-${String(runs)}`), ...(initFrom !== undefined && { initFrom: join(folder, initFrom) }), ...(cache !== undefined && { cache: join(folder, cache) }),
  });
  if (run === undefined) hashes.set(key, parametersSha256);
  return parametersSha256;
}

beforeAll(async () => {
  const sentence = (i: number): string => `The ${['whale', 'ship', 'sea'][i % 3]} Is ${['old', 'white'][i % 2]}. ${['the sea', 'A ship', 'old'][i % 3]} the sea is the ${['whale', 'old', 'white'][(i * 7) % 3]}.`;
  writeFileSync(join(folder, 'story.txt'), Array.from({ length: 40 }, (_, i) => `${sentence(i)}\n\n`).join(''));
  await trainStory(folder, { ...BASE, seed: 9, run: join(folder, 'base') });
});
afterAll(() => { rmSync(folder, { recursive: true, maxRetries: 5 }); });

describe('every setting', () => {
  it('is spoken of here', () => {
    expect([...Object.keys(CHANGES), ...Object.keys(NO_CHANGES), ...OTHERS].sort()).toEqual(Object.keys(trainingSchema.shape).sort());
  });

  it.each(Object.entries(CHANGES))('%s changes the parameters that a run ends with', async (_, { change, beside = {} }) => {
    expect(await hashOf({ ...beside, ...change })).not.toBe(await hashOf(beside));
  });

  it.each(Object.entries(NO_CHANGES))('%s does not', async (_, change) => {
    expect(await hashOf(change)).toBe(await hashOf({}));
  });
});
