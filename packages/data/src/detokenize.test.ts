import { describe, expect, it } from 'vitest';
import { detokenize } from './detokenize.js';
import { tokenize } from './tokenizer.js';

describe('detokenize', () => {
  it.each([
    'Call me Ishmael.',
    'He said, "Wait (a bit)!" and left; why?',
    '“It’s done,” she said—twice...',
    "It's the Town-Ho's: 3.5, 1,000.",
    '今天天气很好。',
  ])('gives back %s', (text) => {
    expect(detokenize(tokenize(text, 'word'), 'word')).toBe(text);
  });

  it('joins what pre-tokenised corpora take apart', () => {
    expect(detokenize(['it', 'is', "n't", 'mine', ',', "that", "'s", 'all', '.'], 'whitespace')).toBe("it isn't mine, that's all.");
    expect(detokenize(['``', 'Yes', "''", 'he', 'said'], 'whitespace')).toBe("``Yes'' he said");
  });

  it('leaves out the marks of sentences and keeps unknown words', () => {
    expect(detokenize(['SENTENCE_START', 'the', 'UNKNOWN_TOKEN', '!', 'SENTENCE_END'], 'word')).toBe('the UNKNOWN_TOKEN!');
  });

  it('puts characters together as they are', () => {
    expect(detokenize(Array.from('a , b'), 'char')).toBe('a , b');
  });
});
