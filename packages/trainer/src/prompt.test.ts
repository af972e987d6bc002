import { UNKNOWN_TOKEN, Vocabulary } from '@bptt/data';
import { describe, expect, it } from 'vitest';
import { knownAmong, knownWords, readPrompt } from './prompt.js';

const trained = { vocabulary: new Vocabulary(['the', 'whale', ',']), text: { tokens: 'word', lowercase: true, sentences: 'auto' } } as const;

describe('readPrompt', () => {
  it('reads a prompt as the text of the run was read', () => {
    const warnings: string[] = [];
    expect(readPrompt(trained, 'The whale, THE', (message) => warnings.push(message))).toEqual({ tokens: ['the', 'whale', ',', 'the'], ids: [3, 4, 5, 3] });
    expect(readPrompt(trained, '', (message) => warnings.push(message))).toEqual({ tokens: [], ids: [] });
    expect(warnings).toEqual([]);
  });

  it('names every unknown word once, and never lets a prompt forge a special token', () => {
    const warnings: string[] = [];
    const { ids } = readPrompt(trained, 'the squid SENTENCE_END squid', (message) => warnings.push(message));
    expect(ids.filter((word) => word === UNKNOWN_TOKEN).length).toBeGreaterThanOrEqual(3);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/read as UNKNOWN_TOKEN: squid, /);
  });
});

describe('words of a rule', () => {
  it('are read as a prompt is', () => {
    expect(knownWords(trained, 'require', 'Whale, whale')).toEqual(new Set([4, 5]));
    expect(knownAmong(trained, 'the squid')).toEqual(new Set([3]));
  });

  it('must be known where they are to occur', () => {
    expect(() => knownWords(trained, 'stop', 'whale squid')).toThrow(expect.objectContaining({ code: 'invalid-argument', message: 'stop: expected words of the vocabulary of this run, got squid' }));
  });
});
