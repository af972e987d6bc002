import { countTargets, NO_TOKEN } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { encodeText } from './encode-text.js';
import { planContinuousEvaluation, planEvaluation, planSample } from './evaluation.js';
import { SEQUENCE_LENGTHS } from './microshards.js';
import { memorySplit } from './split.js';
import { unigramLoss, unknownShare } from './unigram.js';
import { Vocabulary } from './vocabulary.js';

const WORDS = { tokens: 'word', lowercase: true, sentences: 'line' } as const;

describe('planEvaluation', () => {
  it('has every sentence once, shortest first, 32 to a microshard', () => {
    const split = memorySplit(Array.from({ length: 75 }, (_, i) => new Int32Array(2 + ((i * 7) % 20)).fill(3)));
    const plan = planEvaluation(split);
    const shards = Array.from({ length: plan.count }, (_, i) => plan.microshard(i));
    expect(shards.map(({ index, B }) => [index, B])).toEqual([[0, 32], [1, 32], [2, 32]]);
    expect(shards.flatMap(({ sequences }) => [...sequences]).filter((id) => id !== NO_TOKEN).sort((a, b) => a - b)).toEqual(Array.from({ length: 75 }, (_, i) => i));
    expect(shards.reduce((sum, shard) => sum + countTargets(shard), 0)).toBe(plan.tokens);
    expect(plan.tokens).toBe(split.tokens);
    for (const { T } of shards) expect(SEQUENCE_LENGTHS).toContain(T);
    expect(shards[0].T).toBeLessThanOrEqual(shards[2].T);
    expect(plan.microshard(1)).toEqual(shards[1]);
    expect(() => plan.microshard(3)).toThrow('outside [0, 3)');
  });

  it('of nothing has no microshards', () => {
    expect(planEvaluation(memorySplit([])).count).toBe(0);
  });
});

describe('planSample', () => {
  const split = memorySplit(Array.from({ length: 60 }, (_, i) => new Int32Array(2 + ((i * 7) % 20)).fill(3)));
  const sampled = (changes: object = {}) => {
    const plan = planSample(split, { sentences: 10, tokensMin: 12, columns: 4, seed: 1, ...changes });
    return { plan, sentences: Array.from({ length: plan.count }, (_, i) => [...plan.microshard(i).sequences]).flat().filter((id) => id !== NO_TOKEN) };
  };

  it('draws distinct sentences that are long enough, the same for the same seed', () => {
    const { plan, sentences } = sampled();
    expect(plan.count).toBe(3);
    expect(new Set(sentences).size).toBe(10);
    const targets = sentences.map((i) => split.sentenceLength(i) - 1);
    expect(Math.min(...targets)).toBeGreaterThanOrEqual(12);
    expect(targets).toEqual([...targets].sort((a, b) => a - b));
    expect(plan.tokens).toBe(targets.reduce((sum, count) => sum + count, 0));
    expect(sampled().sentences).toEqual(sentences);
    expect(sampled({ seed: 2 }).sentences).not.toEqual(sentences);
  });

  it('has all of them where there are fewer, and none where none is long enough', () => {
    expect(sampled({ sentences: 1000 }).sentences.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i).filter((i) => split.sentenceLength(i) > 12));
    expect(sampled({ tokensMin: 21 }).plan).toMatchObject({ count: 0, tokens: 0 });
  });
});

describe('unigramLoss', () => {
  it('is the cross-entropy of the add-one model over the targets', () => {
    const vocabulary = new Vocabulary(['a', 'b']);
    const split = (text: string): ReturnType<typeof memorySplit> => memorySplit(encodeText(text, vocabulary, WORDS));
    // Targets of training: a 2, b 1, end 2, of 5; V = 5. Evaluated: a, unknown, end.
    const expected = -(Math.log(3 / 10) + Math.log(1 / 10) + Math.log(3 / 10)) / 3;
    expect(unigramLoss(split('a b\na'), split('A zzz'), vocabulary.size)).toBeCloseTo(expected, 12);
  });

  it('is ln V where nothing was seen', () => {
    const nothing = memorySplit([]);
    expect(unigramLoss(nothing, memorySplit([Int32Array.of(0, 3, 4, 1)]), 50)).toBeCloseTo(Math.log(50), 12);
    expect(() => unigramLoss(nothing, nothing, 50)).toThrow('nothing to evaluate');
  });
});

describe('unknownShare', () => {
  it('counts UNKNOWN_TOKEN among all targets, sentence ends included', () => {
    const vocabulary = new Vocabulary(['a', 'b']);
    expect(unknownShare(memorySplit(encodeText('a zzz\nyyy', vocabulary, WORDS)), vocabulary.size)).toBe(2 / 5);
    expect(() => unknownShare(memorySplit([]), 5)).toThrow('nothing to count');
  });
});

describe('encodeText', () => {
  it('encloses each sentence and marks unknown words', () => {
    const vocabulary = new Vocabulary(['call', 'me']);
    expect(encodeText('Call me Ishmael\nme', vocabulary, WORDS)).toEqual([Int32Array.of(0, 3, 4, 2, 1), Int32Array.of(0, 4, 1)]);
    expect(encodeText(' ', vocabulary, WORDS)).toEqual([]);
  });
});

describe('planContinuousEvaluation', () => {
  const text = Array.from({ length: 60 }, (_, i) => ['a', 'b a', 'c c a', 'b'][i % 4]).join('\n');
  const vocabulary = new Vocabulary(['a', 'b']);

  it('reads the text once, in its order, and has the targets of the other plan', () => {
    const split = memorySplit(encodeText(text, vocabulary, WORDS));
    const plan = planContinuousEvaluation(split);
    const shards = Array.from({ length: plan.count }, (_, i) => plan.microshard(i));
    expect(plan.count).toBe(2);
    const inputs = shards.flatMap((shard) => [...shard.inputs]);
    expect(inputs.slice(0, split.length - 1)).toEqual([...split.readTokens(0, split.length - 1)]);
    expect(inputs.slice(split.length - 1).every((id) => id === NO_TOKEN)).toBe(true);
    expect(shards.reduce((sum, shard) => sum + countTargets(shard), 0)).toBe(planEvaluation(split).tokens);
    const targets = shards.flatMap((shard) => [...shard.targets]).filter((id) => id !== NO_TOKEN);
    expect(targets).toEqual([...split.readTokens(0, split.length)].filter((id) => id !== 0));
    expect(plan.microshard(1)).toEqual(shards[1]);
    expect(() => plan.microshard(2)).toThrow('outside [0, 2)');
  });

  it('is as short as a short text', () => {
    const plan = planContinuousEvaluation(memorySplit([Int32Array.of(0, 3, 1)]));
    expect([plan.count, plan.microshard(0).T]).toEqual([1, 8]);
    expect(planContinuousEvaluation(memorySplit([])).count).toBe(0);
  });
});
