import { describe, expect, it } from 'vitest';
import { stream } from './random.js';
import { sampleWord } from './sampling.js';
import { beginText, extendText, nextWords, type TextRules } from './text-rules.js';

const rules: TextRules = { end: 1, stop: new Set([7]), forbidden: new Set([0]), required: new Set([4, 5]), length: 3 };

describe('beginText', () => {
  it('counts the required words of the prompt as there', () => {
    expect(beginText(rules, [5, 3], 8)).toEqual({ isEmpty: false, left: 3, missing: new Set([4]) });
    expect(beginText(rules, [], 8)).toEqual({ isEmpty: true, left: 3, missing: new Set([4, 5]) });
  });

  it('refuses rules that no text can keep', () => {
    expect(() => beginText({ ...rules, required: new Set([0]) }, [], 8)).toThrow('require: expected words that are not forbidden, got word 0');
    expect(() => beginText({ ...rules, required: new Set([1]) }, [], 8)).toThrow('got word 1');
    expect(() => beginText({ ...rules, length: 1 }, [], 8)).toThrow('require: expected at most 1 words (the length), got 2');
    expect(() => beginText({ ...rules, stop: new Set([4, 5]) }, [], 8)).toThrow('at most one word that ends the text');
    expect(beginText({ ...rules, stop: new Set([4, 5]) }, [4], 8).missing).toEqual(new Set([5]));
  });

  it('refuses a vocabulary without a first word, and takes one that is required or given', () => {
    const none: TextRules = { ...rules, forbidden: new Set([0, 2, 3]), required: new Set() };
    expect(() => beginText(none, [], 4)).toThrow(expect.objectContaining({ code: 'invalid-argument', message: 'forbid: expected a word that is not forbidden, got every word of the vocabulary' }) as Error);
    expect(beginText(none, [], 5).isEmpty).toBe(true);
    expect(nextWords(none, beginText(none, [3], 4)).forbidden).not.toContain(none.end);
  });
});

describe('nextWords', () => {
  it('lets a text end only when it has a word and nothing is missing', () => {
    const free = { ...rules, required: new Set<number>() };
    expect(nextWords(free, beginText(free, [], 8)).forbidden).toEqual(new Set([0, 1]));
    expect(nextWords(free, beginText(free, [3], 8))).toEqual({ forbidden: new Set([0]), only: undefined });
    const missing = beginText(rules, [3], 8);
    expect(nextWords(rules, missing).forbidden).toEqual(new Set([0, 1, 7]));
    expect(nextWords(rules, extendText(extendText(missing, 4), 5)).forbidden).toEqual(new Set([0]));
  });

  it('leaves only the missing words where no more words are left than are missing', () => {
    const state = beginText(rules, [3], 8);
    expect(nextWords(rules, state).only).toBeUndefined();
    expect(nextWords(rules, extendText(state, 3)).only).toEqual(new Set([4, 5]));
    expect(nextWords(rules, extendText(extendText(state, 3), 4)).only).toEqual(new Set([5]));
    expect(nextWords(rules, extendText(state, 5)).only).toBeUndefined();
  });

  it('lets a required word that ends the text come last', () => {
    const both = { ...rules, stop: new Set([5, 7]) };
    const state = beginText(both, [3], 8);
    expect(nextWords(both, state).forbidden).toEqual(new Set([0, 1, 5, 7]));
    expect(nextWords(both, extendText(state, 4)).forbidden).toEqual(new Set([0, 1, 7]));
  });

  it('makes every text that is drawn by it keep the rules, however unlikely the required words are', () => {
    const logits = Float32Array.of(9, 5, 0, 1, -40, -40, -40, 3);
    for (let sample = 0; sample < 200; sample += 1) {
      const wanted = { ...rules, required: new Set([4, 5, 6]), length: 3 + (sample % 5) };
      const { uniform } = stream(1, 'text rules', sample);
      let state = beginText(wanted, [], 8);
      const words: number[] = [];
      while (state.left > 0) {
        const word = sampleWord(logits, nextWords(wanted, state), uniform(words.length));
        if (word === undefined || word === wanted.end) break;
        words.push(word);
        if (wanted.stop.has(word)) break;
        state = extendText(state, word);
      }
      expect(words).toEqual(expect.arrayContaining([4, 5, 6]));
      expect(words.length).toBeLessThanOrEqual(wanted.length);
      expect(words).not.toContain(0);
    }
  });
});
