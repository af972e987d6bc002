import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SENTENCE_RULES, TOKEN_KINDS } from '@bptt/data';
import { BACKEND_NAMES } from '@bptt/worker';
import { describe, expect, it } from 'vitest';
import { microshardsOf, runConfigOf, runDirectoryOf, threadsOf, trainingSchema, trainingSettings } from './training-settings.js';

describe('the settings of a run', () => {
  it('are those given over those of a file over defaults', () => {
    expect(trainingSettings({ hidden: 8, lr: undefined }, { hidden: 7, batch: 9, truncation: 'window:4' })).toMatchObject({
      hidden: 8, batch: 9, lr: 1, truncation: { kind: 'window', k: 4 }, cell: 'rnn', layers: 1,
    });
  });

  it.each([
    [{ hidden: 0 }, 'hidden: expected a whole number from 1 to 16777216, got 0'],
    [{ hidden: '5' }, 'hidden: expected a whole number from 1 to 16777216, got "5"'],
    [{ truncation: 'window' }, 'truncation: expected full, window:k (k from 0 to 1048576) or chunk:k (k from 1 to 1048576), got "window"'],
    [{ batch: 4, microshards: 5 }, 'microshards: expected at most the batch (4), got 5'],
    [{ hiden: 5 }, 'hiden: expected one of the keys run, '],
  ])('refuse %j', (given, message) => {
    expect(() => trainingSettings(given)).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(message) as unknown }));
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

  it('is the configuration of a run, without what does not change its outcome', () => {
    const config = runConfigOf(trainingSettings({ batch: 4, threads: 3, steps: 10 }), 'book.txt');
    expect(config).toMatchObject({ microshards: 4, learningRate: 1, corpus: { source: 'book.txt', tokens: 'word' }, model: { hidden: 128, cell: 'rnn' } });
    expect(Object.keys(config)).not.toEqual(expect.arrayContaining(['threads']));
    expect(Object.keys(config.model).sort()).toEqual(['activation', 'biases', 'cell', 'embedding', 'hidden', 'input', 'layers', 'vocabulary']);
  });
});
