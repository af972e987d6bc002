import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SENTENCE_RULES, TOKEN_KINDS } from '@bptt/data';
import { BACKEND_DEVICES, BACKEND_NAMES } from '@bptt/worker';
import { describe, expect, it } from 'vitest';
import { microshardsOf, runConfigOf, runDirectoryOf, threadsOf, trainingSchema, trainingSettings } from './training-settings.js';

describe('the settings of a run', () => {
  it('are those given over defaults; undefined is not given', () => {
    expect(trainingSettings({ hidden: 8, lr: undefined, batch: 9, truncation: 'window:4' })).toMatchObject({
      hidden: [8], batch: 9, truncation: { kind: 'window', k: 4 }, cell: 'rnn',
    });
  });

  it.each([
    [{ hidden: 0 }, 'hidden: expected a whole number from 1 to 16777216, or several, got 0'],
    [{ hidden: '5,x' }, 'hidden: expected a whole number from 1 to 16777216, or several, got "5,x"'],
    [{ optimizer: 'sgd', betas: '0.9,0.99' }, 'betas: expected only with optimizer adam or adamw, got optimizer sgd'],
    [{ clip: 1, clipValue: 1 }, 'clipValue: expected either --clip or --clip-value, got --clip 1 and --clip-value 1'],
    [{ optimizer: 'asgd', schedule: 'plateau:4' }, 'schedule: expected another than plateau with optimizer asgd'],
    [{ cell: 'lstm', omega: 1 }, 'omega: expected cell rnn'],
    [{ tied: true }, 'tied: expected input embedding'],
    [{ head: 'adaptive', vocabulary: 100, cutoffs: '50,40' }, 'cutoffs: expected ascending word ids between 1 and 99, got 50, 40'],
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
    expect(BACKEND_DEVICES.every((device) => trainingSchema.safeParse({ backend: 'gpu', device }).success)).toBe(true);
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
    expect(config).toMatchObject({ microshards: 4, learningRate: 1, corpus: { source: 'book.txt', tokens: 'word' }, model: { hidden: [128], cell: 'rnn' } });
    expect(Object.keys(config)).not.toEqual(expect.arrayContaining(['threads']));
  });
});

describe('the configuration of a run', () => {
  it.each([
    [{ optimizer: 'momentum', momentum: 0.5 }, { optimizer: { name: 'momentum', momentum: 0.5 }, learningRate: 0.1 }],
    [{ optimizer: 'nesterov' }, { optimizer: { name: 'nesterov', momentum: 0.9 }, learningRate: 0.1 }],
    [{ optimizer: 'adagrad', epsilon: 1e-6 }, { optimizer: { name: 'adagrad', epsilon: 1e-6 }, learningRate: 0.01 }],
    [{ optimizer: 'rmsprop', alpha: 0.5 }, { optimizer: { name: 'rmsprop', alpha: 0.5, epsilon: 1e-8 }, learningRate: 0.01 }],
    [{ optimizer: 'adam', betas: '0.5,0.75' }, { optimizer: { name: 'adam', betas: [0.5, 0.75], epsilon: 1e-8, weightDecay: 0 }, learningRate: 0.001 }],
    [{ optimizer: 'adamw' }, { optimizer: { name: 'adamw', betas: [0.9, 0.999], weightDecay: 0.01 }, learningRate: 0.001 }],
    [{ optimizer: 'asgd', nonmono: 3 }, { optimizer: { name: 'asgd', nonmono: 3 }, learningRate: 1 }],
    [{ optimizer: 'adam', lr: 0.5 }, { learningRate: 0.5 }],
    [{ l2: 1e-4 }, { optimizer: { name: 'sgd', l2: 1e-4, weightDecay: 0 } }],
    [{ weightDecay: 1e-4 }, { optimizer: { name: 'sgd', l2: 0, weightDecay: 1e-4 } }],
    [{ schedule: 'plateau:4' }, { schedule: { kind: 'plateau', factor: 4 } }],
    [{ schedule: 'decay:6:0.5', warmup: 10 }, { schedule: { kind: 'decay', epoch: 6, factor: 0.5 }, warmup: 10 }],
    [{ schedule: 'cosine:100:0.01' }, { schedule: { kind: 'cosine', steps: 100, floor: 0.01 } }],
    [{ clip: 5 }, { clip: { kind: 'norm', threshold: 5 } }],
    [{ clip: 0 }, { clip: { kind: 'none' } }],
    [{ clipValue: 0.5 }, { clip: { kind: 'value', threshold: 0.5 } }],
    [{ clip: 0, clipValue: 0.5 }, { clip: { kind: 'value', threshold: 0.5 } }],
    [{ cell: 'gru', resetBefore: true, hidden: '30,20' }, { model: { cell: 'gru', resetBefore: true, hidden: [30, 20] } }],
    [{ hidden: 7, layers: 3 }, { model: { hidden: [7, 7, 7] } }],
    [{ hidden: [9, 5], layers: 2 }, { model: { hidden: [9, 5] } }],
    [{ input: 'embedding', embedding: 128, tied: true }, { model: { input: 'embedding', tied: true, embedding: 128 } }],
    [{ head: 'adaptive', vocabulary: 1000 }, { model: { head: { kind: 'adaptive', cutoffs: [100, 400], divValue: 4 } } }],
    [{ head: 'adaptive', vocabulary: 1000, cutoffs: '50,200', divValue: 2 }, { model: { head: { kind: 'adaptive', cutoffs: [50, 200], divValue: 2 } } }],
    [{ truncation: 'window:4', reduction: 'sentenceSum' }, { objective: { truncation: { kind: 'window', k: 4 }, reduction: 'sentenceSum' } }],
    [{ dropout: 0.5, variational: true, ar: 2, tar: 1 }, { objective: { dropout: 0.5, variational: true, ar: 2, tar: 1 } }],
    [{ omega: 0.1 }, { objective: { omega: 0.1 } }],
    [{ init: 'orthogonal' }, { initialization: { init: { kind: 'orthogonal' } } }],
    [{ cell: 'lstm', init: 'uniform:0.1', forgetBias: 1 }, { initialization: { init: { kind: 'uniform', a: 0.1 }, forgetBias: 1 } }],
  ])('follows from %j', (given, expected) => {
    expect(runConfigOf(trainingSettings(given), 'book.txt')).toMatchObject(expected);
  });
});
