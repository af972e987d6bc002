import { BpttError } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { selectVocabulary, SPECIAL_WORDS, UNKNOWN_TOKEN, Vocabulary } from './vocabulary.js';

describe('selectVocabulary', () => {
  it('keeps the most frequent words, ties broken by text, after the special tokens', () => {
    const vocabulary = selectVocabulary(['b', 'a', 'é', 'Z', 'rare'], [2, 2, 5, 2, 1], 6);
    expect(vocabulary.words).toEqual([...SPECIAL_WORDS, 'é', 'Z', 'a']);
    expect(vocabulary.size).toBe(6);
  });

  it('refuses more words than the text has, and says how many there are', () => {
    expect(selectVocabulary(['a', 'b', '<unk>', 'absent'], [1, 1, 9, 0], 60).words.slice(3)).toEqual(['a', 'b']);
    expect(selectVocabulary(['a', 'b'], [1, 1], 5).size).toBe(5);
  });
});

describe('Vocabulary', () => {
  const vocabulary = new Vocabulary(['the', 'whale']);

  it('maps words to ids and back', () => {
    expect(vocabulary.idOf('whale')).toBe(4);
    expect(vocabulary.wordOf(4)).toBe('whale');
    expect(vocabulary.idOf('ship')).toBe(UNKNOWN_TOKEN);
    expect(vocabulary.idOf('constructor')).toBe(UNKNOWN_TOKEN);
  });

  it('does not let a text forge a special token', () => {
    expect(vocabulary.idOf('SENTENCE_END')).toBe(UNKNOWN_TOKEN);
    expect(vocabulary.idOf('<unk>')).toBe(UNKNOWN_TOKEN);
  });

  it('comes back from JSON', () => {
    expect(Vocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary))).words).toEqual(vocabulary.words);
  });

  const good = vocabulary.toJSON();
  it.each([
    [null, 'expected format bptt-vocabulary, got none'],
    [{ ...good, format: 'x' }, 'expected format bptt-vocabulary, got "x"'],
    [{ ...good, version: 2 }, 'expected version 1, got 2'],
    [{ ...good, words: 'abc' }, 'expected words as a list of texts'],
    [{ ...good, words: [...SPECIAL_WORDS, 3] }, 'expected words as a list of texts'],
    [{ ...good, words: ['the', ...SPECIAL_WORDS] }, 'expected SENTENCE_START, SENTENCE_END, UNKNOWN_TOKEN and at least one word'],
    [{ ...good, words: SPECIAL_WORDS }, 'and at least one word'],
    [{ ...good, words: [...SPECIAL_WORDS, 'a', 'a'] }, 'a word stands in it twice'],
    [{ ...good, words: [...SPECIAL_WORDS, 'SENTENCE_END'] }, 'the reserved word SENTENCE_END stands among the ordinary ones'],
  ])('refuses %j', (json, message) => {
    expect(() => Vocabulary.fromJSON(json)).toThrow(BpttError);
    expect(() => Vocabulary.fromJSON(json)).toThrow(message);
  });
});
