import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceBackend } from '@bptt/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { train } from './commands/train.js';
import { readTrainingFlags } from './config.js';
import { loadTrainedModel, sampleTexts } from './trained-model.js';

const folder = mkdtempSync(join(tmpdir(), 'bptt-trained-'));
const run = join(folder, 'run');
const noWarning = (message: string): void => { throw new Error(message); };

beforeAll(async () => {
  writeFileSync(join(folder, 'story.txt'), Array.from({ length: 40 }, (_, i) => `The ${['whale', 'ship', 'sea'][i % 3]} is ${['old', 'white'][i % 2]}.\n\n`).join(''));
  const request = await readTrainingFlags({ cache: join(folder, 'cache'), run, vocabulary: 11, batch: 4, hidden: 3, steps: 2, threads: 1, json: true });
  expect(await train(join(folder, 'story.txt'), request)).toBe(0);
});
afterAll(() => { rmSync(folder, { recursive: true }); });

describe('loadTrainedModel', () => {
  it('reads what train left', () => {
    expect(loadTrainedModel(run, noWarning)).toMatchObject({ step: 2, text: { tokens: 'word', lowercase: true, sentences: 'auto' }, model: { hidden: 3, vocabulary: 11 }, backendId: 'simd/1' });
  });

  it('refuses a folder without a run, and one whose vocabulary or checkpoint is damaged', () => {
    expect(() => loadTrainedModel(join(folder, 'cache'), noWarning)).toThrow(expect.objectContaining({ code: 'not-found' }));
    for (const name of ['vocabulary.json', join('checkpoints', readdirSync(join(run, 'checkpoints'))[0])]) {
      const copy = mkdtempSync(join(folder, 'copy-'));
      cpSync(run, copy, { recursive: true });
      writeFileSync(join(copy, name), '{}');
      expect(() => loadTrainedModel(copy, () => undefined)).toThrow(expect.objectContaining({ code: 'data-loss' }));
    }
  });
});

describe('sampleTexts', () => {
  it('gives readable sentences, the same for the same seed', async () => {
    const trained = loadTrainedModel(run, noWarning);
    const backend = referenceBackend({ precision: 'float32' });
    const sample = async (seed: number) => {
      const texts: string[] = [];
      for await (const { text } of sampleTexts(trained, backend, { prompt: [3], length: 8, seed, samples: 3 })) texts.push(text);
      return texts;
    };
    const texts = await sample(1);
    expect(texts).toHaveLength(3);
    expect(texts.join(' ')).not.toMatch(/SENTENCE_|UNKNOWN/);
    expect(texts.every((text) => text.startsWith(trained.vocabulary.wordOf(3)))).toBe(true);
    expect(await sample(1)).toEqual(texts);
    expect(await sample(2)).not.toEqual(texts);
  });
});
