import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpttError } from '@bptt/core';
import { BACKEND_NAMES } from '@bptt/worker';
import { SENTENCE_RULES, TOKEN_KINDS } from '@bptt/data';
import { Command } from 'commander';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { flagWords, generateSchema, gradcheckSchema, microshardsOf, runConfigOf, runDirectoryOf, threadsOf, trainingSchema, trainingSettings } from './config.js';
import { addOptions } from './options.js';
import { parseSettings } from './settings-schema.js';

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
    expect(await trainingSettings({})).toMatchObject({
      cell: 'rnn', activation: 'tanh', hidden: 128, layers: 1, input: 'onehot', biases: true, vocabulary: 8000, tokens: 'word', lowercase: true, sentences: 'auto',
      truncation: { kind: 'full' }, reduction: 'tokenMean', batch: 32, optimizer: 'sgd', explosion: 'skip', schedule: { kind: 'constant' }, warmup: 0, patience: 0, samples: 0, cache: '.bptt-cache', backend: 'auto',
    });
  });

  it('come from flags over the file over defaults', async () => {
    const path = file('{"hidden": 7, "batch": 9, "truncation": "window:4", "biases": false}');
    const settings = await trainingSettings(flagsOf(['--hidden', '8', '--lr=0.5', '--biases']), path);
    expect(settings).toMatchObject({ hidden: 8, batch: 9, truncation: { kind: 'window', k: 4 }, lr: 0.5, biases: true, layers: 1 });
    expect(await trainingSettings({}, path)).toMatchObject({ biases: false });
  });

  it.each([
    [['--hidden', '0'], 'hidden: expected a whole number from 1 to 16777216, got 0'],
    [['--hidden', 'abc'], 'hidden: expected a whole number from 1 to 16777216, got "abc"'],
    [['--hidden', '1.5'], 'hidden: expected a whole number from 1 to 16777216, got 1.5'],
    [['--hidden', ''], 'hidden: expected a whole number from 1 to 16777216, got ""'],
    [['--batch', '0x10'], 'batch: expected a whole number from 1 to 1048576, got "0x10"'],
    [['--lr', '0'], 'lr: expected a number above 0 and up to 1000000, got 0'],
    [['--lr', '-1'], 'lr: expected a number above 0 and up to 1000000, got -1'],
    [['--lr', 'NaN'], 'lr: expected a number above 0 and up to 1000000, got "NaN"'],
    [['--lr', '1e999'], 'lr: expected a number above 0 and up to 1000000, got null'],
    [['--clip', '-1'], 'clip: expected a number from 0 to 1000000000, got -1'],
    [['--optimizer', 'lion'], 'optimizer: expected one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, asgd, got "lion"'],
    [['--betas', '0.9,0.99'], 'betas: expected only with optimizer adam or adamw, got optimizer sgd'],
    [['--optimizer', 'adam', '--betas', '0.9'], 'betas: expected two numbers first,second, got "0.9"'],
    [['--optimizer', 'adam', '--momentum', '0.9'], 'momentum: expected only with optimizer momentum or nesterov, got optimizer adam'],
    [['--optimizer', 'momentum', '--momentum', '1'], 'momentum: expected a number from 0 and below 1, got 1'],
    [['--optimizer', 'sgd', '--nonmono', '3'], 'nonmono: expected only with optimizer asgd, got optimizer sgd'],
    [['--alpha', '0.5'], 'alpha: expected only with optimizer rmsprop, got optimizer sgd'],
    [['--epsilon', '1e-8'], 'epsilon: expected only with optimizer adagrad or rmsprop or adam or adamw, got optimizer sgd'],
    [['--l2', '-1'], 'l2: expected a number from 0 to 1000000, got -1'],
    [['--weight-decay', 'x'], 'weightDecay: expected a number from 0 to 1000000, got "x"'],
    [['--schedule', 'halve'], 'schedule: expected constant, plateau:factor (above 1), decay:epoch:factor (epoch from 0, factor above 0 and up to 1) or cosine:steps[:floor] (steps from 1, floor from 0), got "halve"'],
    [['--optimizer', 'asgd', '--schedule', 'plateau:2'], 'schedule: expected another than plateau with optimizer asgd, whose averaging answers a plateau already, got plateau:2'],
    [['--clip', '1', '--clip-value', '2'], 'clipValue: expected either --clip or --clip-value, got --clip 1 and --clip-value 2'],
    [['--clip-value', '0'], 'clipValue: expected a number above 0 and up to 1000000000, got 0'],
    [['--patience', '-1'], 'patience: expected a whole number from 0 to 1000000, got -1'],
    [['--activation', 'gelu'], 'activation: expected one of tanh, relu, sigmoid, got "gelu"'],
    [['--cell', 'lstm'], 'cell: expected rnn, got "lstm"'],
    [['--truncation', 'window'], 'truncation: expected full, window:k (k from 0 to 1048576) or chunk:k (k from 1 to 1048576), got "window"'],
    [['--valid-every', '-3'], 'validEvery: expected a whole number from 0 to 1000000000, got -3'],
    [['--vocabulary', '3'], 'vocabulary: expected a whole number from 4 to 16777216, got 3'],
    [['--batch', '4', '--microshards', '5'], 'microshards: expected at most the batch (4), got 5'],
    [['--steps', '0'], 'steps: expected a whole number from 1 to 1000000000, got 0'],
    [['--run', ''], 'run: expected a folder, got ""'],
  ])('refuse %j with one line that names the key', async (words, message) => {
    const error = await trainingSettings(flagsOf(words)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BpttError);
    expect(error).toMatchObject({ code: 'invalid-argument', message });
  });

  it.each([
    ['{"hiden": 5}', 'invalid-argument', /^hiden: expected one of the keys .*hidden.*, got an unknown key$/],
    ['{"hidden": "5"}', 'invalid-argument', /^hidden: expected a whole number .* got "5"$/],
    ['{"hidden": null}', 'invalid-argument', /^hidden: expected a whole number .* got null$/],
    ['{"biases": 1}', 'invalid-argument', /^biases: expected true or false, got 1$/],
    ['{"truncation": {"kind": "full"}}', 'invalid-argument', /^truncation: expected full, window:k or chunk:k, got \{"kind":"full"\}$/],
    ['[1]', 'invalid-argument', /^config: expected one JSON object/],
    ['{"hidden": ', 'invalid-argument', /^config: expected JSON/],
  ])('refuse the file %s', async (content, code, message) => {
    await expect(trainingSettings({}, file(content))).rejects.toMatchObject({ code, message: expect.stringMatching(message) as unknown });
  });

  it('refuse a file that is not there', async () => {
    await expect(trainingSettings({}, join(folder, 'none.json'))).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('ENOENT') as unknown });
  });

  it('survive being written as flags and read again', async () => {
    const legal = fc.record({
      hidden: fc.integer({ min: 1, max: 5000 }), batch: fc.integer({ min: 8, max: 99 }), lr: fc.double({ min: 1e-9, max: 1e5, noNaN: true }), clip: fc.double({ min: 0, max: 9, noNaN: true }),
      biases: fc.boolean(), lowercase: fc.boolean(), truncation: fc.constantFrom('full', 'window:0', 'chunk:7'), run: fc.constantFrom('a b', '-x', 'x=y', '--json'),
      schedule: fc.constantFrom('constant', 'plateau:4', 'decay:6:0.5', 'cosine:100:1e-7'), optimizer: fc.constantFrom('adam', 'adamw'), betas: fc.constant('0.5,0.75'), warmup: fc.nat(99),
      seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), activation: fc.constantFrom('tanh', 'relu'),
    }, { requiredKeys: [] });
    await fc.assert(fc.asyncProperty(legal, async (flags) => {
      const settings = await trainingSettings({ ...flags, ...(flags.betas !== undefined && { optimizer: flags.optimizer ?? 'adam' }) });
      expect(await trainingSettings(flagsOf(flagWords(settings)))).toEqual(settings);
    }), { numRuns: 50 });
  });

  it('know the lists of the packages that own them', () => {
    expect(TOKEN_KINDS.every((tokens) => trainingSchema.safeParse({ tokens }).success)).toBe(true);
    expect(SENTENCE_RULES.every((sentences) => trainingSchema.safeParse({ sentences }).success)).toBe(true);
    expect(BACKEND_NAMES.every((backend) => trainingSchema.safeParse({ backend }).success)).toBe(true);
  });
});

describe('what follows from settings', () => {
  it('is a number of microshards that depends on the batch alone', () => {
    expect(microshardsOf({ batch: 32, microshards: undefined })).toBe(8);
    expect(microshardsOf({ batch: 3, microshards: undefined })).toBe(3);
    expect(microshardsOf({ batch: 32, microshards: 5 })).toBe(5);
  });

  it('is a run folder named after the corpus', () => {
    expect(runDirectoryOf({ run: undefined }, 'dataset:moby-dick')).toBe(join('runs', 'moby-dick'));
    expect(runDirectoryOf({ run: undefined }, '/tmp/My book.txt')).toBe(join('runs', 'My-book'));
    expect(runDirectoryOf({ run: 'here' }, 'book.txt')).toBe('here');
  });

  it('is at least one thread', () => {
    expect(threadsOf(undefined, 1000)).toBe(1);
    expect(threadsOf(undefined, 1)).toBe(availableParallelism());
    expect(threadsOf(3, 1000)).toBe(3);
  });

  it('is the configuration of a run, without what does not change its outcome', async () => {
    const config = runConfigOf(await trainingSettings({ batch: 4, threads: 3, steps: 10 }), 'book.txt');
    expect(config).toMatchObject({ microshards: 4, learningRate: 1, corpus: { source: 'book.txt', tokens: 'word' }, model: { hidden: 128, cell: 'rnn' } });
    expect(config).toMatchObject({ optimizer: { name: 'sgd', l2: 0, weightDecay: 0 }, schedule: { kind: 'constant' }, warmup: 0, clip: { kind: 'norm', threshold: 1 } });
    expect(Object.keys(config)).not.toEqual(expect.arrayContaining(['threads']));
    expect(Object.keys(config.model).sort()).toEqual(['activation', 'biases', 'cell', 'embedding', 'hidden', 'input', 'layers', 'vocabulary']);
  });
});

describe('the configuration of a run', () => {
  const configOf = async (...words: string[]) => runConfigOf(await trainingSettings(flagsOf(words)), 'book.txt');

  it.each([
    [['--optimizer', 'momentum', '--momentum', '0.5'], { optimizer: { name: 'momentum', momentum: 0.5 }, learningRate: 0.1 }],
    [['--optimizer', 'nesterov'], { optimizer: { name: 'nesterov', momentum: 0.9 }, learningRate: 0.1 }],
    [['--optimizer', 'adagrad', '--epsilon', '1e-6'], { optimizer: { name: 'adagrad', epsilon: 1e-6 }, learningRate: 0.01 }],
    [['--optimizer', 'rmsprop', '--alpha', '0.5'], { optimizer: { name: 'rmsprop', alpha: 0.5, epsilon: 1e-8 }, learningRate: 0.01 }],
    [['--optimizer', 'adam', '--betas', '0.5,0.75'], { optimizer: { name: 'adam', betas: [0.5, 0.75], epsilon: 1e-8, weightDecay: 0 }, learningRate: 0.001 }],
    [['--optimizer', 'adamw'], { optimizer: { name: 'adamw', betas: [0.9, 0.999], weightDecay: 0.01 }, learningRate: 0.001 }],
    [['--optimizer', 'asgd', '--nonmono', '3'], { optimizer: { name: 'asgd', nonmono: 3 }, learningRate: 1 }],
    [['--optimizer', 'adam', '--lr', '0.5'], { learningRate: 0.5 }],
    [['--l2', '1e-4'], { optimizer: { name: 'sgd', l2: 1e-4, weightDecay: 0 } }],
    [['--weight-decay', '1e-4'], { optimizer: { name: 'sgd', l2: 0, weightDecay: 1e-4 } }],
    [['--schedule', 'plateau:4'], { schedule: { kind: 'plateau', factor: 4 } }],
    [['--schedule', 'decay:6:0.5', '--warmup', '10'], { schedule: { kind: 'decay', epoch: 6, factor: 0.5 }, warmup: 10 }],
    [['--schedule', 'cosine:100:0.01'], { schedule: { kind: 'cosine', steps: 100, floor: 0.01 } }],
    [['--clip', '5'], { clip: { kind: 'norm', threshold: 5 } }],
    [['--clip', '0'], { clip: { kind: 'none' } }],
    [['--clip-value', '0.5'], { clip: { kind: 'value', threshold: 0.5 } }],
    [['--clip', '0', '--clip-value', '0.5'], { clip: { kind: 'value', threshold: 0.5 } }],
  ])('follows from %j', async (words, expected) => {
    expect(await configOf(...words)).toMatchObject(expected);
  });
});

describe('other schemas', () => {
  it('bound what generate does', () => {
    expect(() => parseSettings(generateSchema, { length: 10_001 })).toThrow('length: expected a whole number from 1 to 10000, got 10001');
    expect(() => parseSettings(generateSchema, { topP: 0 })).toThrow('topP: expected a number above 0 and up to 1, got 0');
    expect(parseSettings(generateSchema, {})).toMatchObject({ length: 40, temperature: 1, topK: 0, topP: 1, prompt: '' });
  });

  it('give gradcheck a small model in float64', () => {
    expect(parseSettings(gradcheckSchema, { hidden: 3 })).toMatchObject({ hidden: 3, vocabulary: 9, backend: 'reference-f64', cell: 'rnn' });
  });
});
