import { UNKNOWN_TOKEN, Vocabulary } from '@bptt/data';
import { describe, expect, it } from 'vitest';
import { promptWords } from './generate.js';

const trained = { vocabulary: new Vocabulary(['the', 'whale', ',']), text: { tokens: 'word', lowercase: true, sentences: 'auto' } } as const;

describe('promptWords', () => {
  it('reads a prompt as the text of the run was read', () => {
    const warnings: string[] = [];
    expect(promptWords(trained, 'The whale, THE', (message) => warnings.push(message))).toEqual([3, 4, 5, 3]);
    expect(promptWords(trained, '', (message) => warnings.push(message))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('names every unknown word once, and never lets a prompt forge a special token', () => {
    const warnings: string[] = [];
    expect(promptWords(trained, 'the squid SENTENCE_END squid', (message) => warnings.push(message)).filter((word) => word === UNKNOWN_TOKEN).length).toBeGreaterThanOrEqual(3);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/read as UNKNOWN_TOKEN: squid, /);
  });
});
