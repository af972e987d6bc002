import { describe, expect, it } from 'vitest';
import { createSentenceReader, SENTENCE_TOKENS_MAX, tokenizeText } from './sentence-reader.js';
import type { TextOptions } from './text-options.js';

const WORDS: TextOptions = { tokens: 'word', lowercase: false, sentences: 'auto' };

describe('tokenizeText', () => {
  it('makes sentences of words, lower-cased on demand', () => {
    expect(tokenizeText('Call me Ishmael. Mr. Bulkington CAME.', { ...WORDS, lowercase: true })).toEqual([['call', 'me', 'ishmael', '.'], ['mr', '.', 'bulkington', 'came', '.']]);
  });

  it('takes a line of pre-tokenised text for a sentence and drops one that is only an end', () => {
    expect(tokenizeText('a . b <eos>\n<eos>\nc\n', { ...WORDS, tokens: 'whitespace' })).toEqual([['a', '.', 'b'], ['c']]);
  });

  it('turns a line break inside a sentence of characters into a space', () => {
    expect(tokenizeText('a\nb', { ...WORDS, tokens: 'char' })).toEqual([['a', ' ', 'b']]);
  });
});

describe('a sentence that is too long', () => {
  const words = Array.from({ length: 1000 }, (_, i) => `w${String(i)}`);

  it('is cut into several that together have all words', () => {
    const sentences = tokenizeText(words.join(' '), WORDS);
    expect(sentences.map(({ length }) => length)).toEqual([255, 255, 255, 235]);
    expect(SENTENCE_TOKENS_MAX).toBe(256);
    expect(sentences.flat()).toEqual(words);
  });

  it('is marked where it goes on, and just fits with 255 words', () => {
    const marks: boolean[] = [];
    const reader = createSentenceReader({ ...WORDS, sentences: 'line' }, (_, goesOn) => marks.push(goesOn));
    reader.push(`${words.slice(0, 255).join(' ')}\n${words.slice(0, 256).join(' ')}\nnext\n`);
    reader.end();
    expect(marks).toEqual([false, false, true, false]);
  });
});
