import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpttError } from '@bptt/core';
import { parseSettings, trainingSchema } from '@bptt/trainer/settings';
import { Command } from 'commander';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { evaluateSchema, flagWords, generateSchema, gradcheckSchema, trainingSettingsOf } from './command-settings.js';
import { addOptions } from './options.js';

const folder = mkdtempSync(join(tmpdir(), 'bptt-config-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

function file(content: string): string {
  const path = join(folder, 'config.json');
  writeFileSync(path, content);
  return path;
}

function flagsOf(words: readonly string[]): Record<string, unknown> {
  const command = new Command();
  addOptions(command, trainingSchema);
  return command.parse(words, { from: 'user' }).opts();
}

describe('the settings of a run', () => {
  it('have defaults for everything', async () => {
    expect(await trainingSettingsOf({})).toMatchObject({
      cell: 'rnn', activation: 'tanh', resetBefore: false, hidden: [128], input: 'onehot', tied: false, head: 'softmax', biases: true, vocabulary: 8000, tokens: 'word', lowercase: true, sentences: 'auto',
      truncation: { kind: 'full' }, reduction: 'tokenMean', dropout: 0, variational: false, ar: 0, tar: 0, omega: 0, init: { kind: 'uniformFanIn' }, batch: 32, optimizer: 'sgd', explosion: 'skip', schedule: { kind: 'constant' },
      warmup: 0, patience: 0, samples: 0, cache: '.bptt-cache', backend: 'auto',
    });
  });

  it('come from flags over the file over defaults', async () => {
    const path = file('{"hidden": 7, "batch": 9, "truncation": "window:4", "biases": false}');
    const settings = await trainingSettingsOf(flagsOf(['--hidden', '8', '--lr=0.5', '--biases']), { config: path });
    expect(settings).toMatchObject({ hidden: [8], batch: 9, truncation: { kind: 'window', k: 4 }, lr: 0.5, biases: true });
    expect(await trainingSettingsOf({}, { config: path })).toMatchObject({ biases: false });
  });

  it('keep a device only beside the backend that it was given for', async () => {
    const config = file('{"backend": "gpu", "device": "cpu"}');
    expect(await trainingSettingsOf({ lr: 1 }, { config })).toMatchObject({ backend: 'gpu', device: 'cpu' });
    expect((await trainingSettingsOf({ backend: 'simd' }, { config })).device).toBeUndefined();
  });

  it.each([
    [['--hidden', '0'], 'hidden: expected a whole number from 1 to 16777216, or several, got 0'],
    [['--hidden', 'abc'], 'hidden: expected a whole number from 1 to 16777216, or several, got "abc"'],
    [['--hidden', '1.5'], 'hidden: expected a whole number from 1 to 16777216, or several, got 1.5'],
    [['--hidden', ''], 'hidden: expected a whole number from 1 to 16777216, or several, got ""'],
    [['--batch', '0x10'], 'batch: expected a whole number from 1 to 1048576, got "0x10"'],
    [['--lr', '0'], 'lr: expected a number above 0 and up to 1000000, got 0'],
    [['--lr', '-1'], 'lr: expected a number above 0 and up to 1000000, got -1'],
    [['--lr', 'NaN'], 'lr: expected a number above 0 and up to 1000000, got "NaN"'],
    [['--lr', '1e999'], 'lr: expected a number above 0 and up to 1000000, got null'],
    [['--clip', '-1'], 'clip: expected a number from 0 to 1000000000, got -1'],
    [['--activation', 'gelu'], 'activation: expected one of tanh, relu, sigmoid, got "gelu"'],
    [['--cell', 'elman'], 'cell: expected one of rnn, gru, lstm, got "elman"'],
    [['--hidden', '4,'], 'hidden: expected a whole number from 1 to 16777216, or several, got "4,"'],
    [['--hidden', '4,5', '--layers', '3'], 'layers: expected 2, as many as hidden names, got 3'],
    [['--cell', 'lstm', '--activation', 'relu'], 'activation: expected tanh with cell lstm, whose equations fix it, got relu'],
    [['--cutoffs', '100'], 'cutoffs: expected only with head adaptive, got head softmax'],
    [['--dropout', '1'], 'dropout: expected a share from 0 to below 1, got 1'],
    [['--init', 'gauss'], 'init: expected uniformFanIn, xavier, orthogonal, identity, uniform:a or spectralRadius:r (a and r above 0), got "gauss"'],
    [['--truncation', 'window'], 'truncation: expected full, window:k (k from 0 to 1048576) or chunk:k (k from 1 to 1048576), got "window"'],
    [['--valid-every', '-3'], 'validEvery: expected a whole number from 0 to 1000000000, got -3'],
    [['--vocabulary', '3'], 'vocabulary: expected a whole number from 4 to 16777216, got 3'],
    [['--batch', '4', '--microshards', '5'], 'microshards: expected at most the batch (4), got 5'],
    [['--steps', '0'], 'steps: expected a whole number from 1 to 1000000000, got 0'],
    [['--run', ''], 'run: expected a folder, got ""'],
  ])('refuse %j with one line that names the key', async (words, message) => {
    const error = await trainingSettingsOf(flagsOf(words)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BpttError);
    expect(error).toMatchObject({ code: 'invalid-argument', message });
  });

  it.each([
    ['{"hiden": 5}', 'invalid-argument', /^hiden: expected one of the keys .*hidden.*, got an unknown key$/],
    ['{"hidden": [5, "6"]}', 'invalid-argument', /^hidden: expected a whole number .* got \[5,"6"\]$/],
    ['{"hidden": null}', 'invalid-argument', /^hidden: expected a whole number .* got null$/],
    ['{"biases": 1}', 'invalid-argument', /^biases: expected true or false, got 1$/],
    ['{"truncation": {"kind": "full"}}', 'invalid-argument', /^truncation: expected full, window:k or chunk:k, got \{"kind":"full"\}$/],
    ['[1]', 'invalid-argument', /^config: expected one JSON object/],
    ['{"hidden": ', 'invalid-argument', /^config: expected JSON/],
  ])('refuse the file %s', async (content, code, message) => {
    await expect(trainingSettingsOf({}, { config: file(content) })).rejects.toMatchObject({ code, message: expect.stringMatching(message) as unknown });
  });

  it('refuse a file that is not there', async () => {
    await expect(trainingSettingsOf({}, { config: join(folder, 'none.json') })).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('ENOENT') as unknown });
  });

  it('survive being written as flags and read again', async () => {
    const legal = fc.record({
      hidden: fc.integer({ min: 1, max: 5000 }), batch: fc.integer({ min: 8, max: 99 }), lr: fc.double({ min: 1e-9, max: 1e5, noNaN: true }), clip: fc.double({ min: 0, max: 9, noNaN: true }),
      biases: fc.boolean(), lowercase: fc.boolean(), truncation: fc.constantFrom('full', 'window:0', 'chunk:7'), run: fc.constantFrom('a b', '-x', 'x=y', '--json'),
      seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), activation: fc.constantFrom('tanh', 'relu'), init: fc.constantFrom('xavier', 'uniform:0.05', 'spectralRadius:1.1'), schedule: fc.constantFrom('plateau:4', 'decay:6:0.5', 'cosine:100:0.01'),
      dropout: fc.double({ min: 0, max: 0.9, noNaN: true }), optimizer: fc.constantFrom('sgd', 'adam'), warmup: fc.integer({ min: 0, max: 99 }),
    }, { requiredKeys: [] });
    await fc.assert(fc.asyncProperty(legal, async (flags) => {
      const settings = await trainingSettingsOf(flags);
      expect(await trainingSettingsOf(flagsOf(flagWords(settings)))).toEqual(settings);
    }), { numRuns: 50 });
  });
});

describe('other schemas', () => {
  it('bound what generate does', () => {
    expect(() => parseSettings(generateSchema, { length: 10_001 })).toThrow('length: expected a whole number from 1 to 10000, got 10001');
    expect(() => parseSettings(generateSchema, { topP: 0 })).toThrow('topP: expected a number above 0 and up to 1, got 0');
    expect(parseSettings(generateSchema, {})).toMatchObject({ length: 40, temperature: 1, topK: 0, topP: 1, prompt: '', beam: 0, forbid: '', checkpoint: 'last' });
    expect(() => parseSettings(evaluateSchema, { checkpoint: 'first' })).toThrow('checkpoint: expected one of last, best, got "first"');
  });

  it('give gradcheck a small model in float64', () => {
    expect(parseSettings(gradcheckSchema, { hidden: 3 })).toMatchObject({ hidden: [3], vocabulary: 9, backend: 'reference-f64', cell: 'rnn' });
  });
});
