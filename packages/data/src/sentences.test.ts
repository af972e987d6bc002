import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSentenceSplitter, SEGMENT_UNITS_MAX } from './sentences.js';
import type { SentenceRule } from './text-options.js';

interface Part {
  text: string;
  ends: boolean;
}

function partsOf(rule: SentenceRule, ...pieces: string[]): Part[] {
  const parts: Part[] = [];
  const splitter = createSentenceSplitter(rule, (text, ends) => parts.push({ text, ends }));
  for (const piece of pieces) splitter.push(piece);
  splitter.end();
  return parts;
}

/** Sentences of a text in which none is long. */
function sentencesOf(rule: SentenceRule, text: string): string[] {
  const parts = partsOf(rule, text);
  expect(parts.every(({ ends }) => ends)).toBe(true);
  return parts.map(({ text: sentence }) => sentence);
}

describe('the splitter with rule auto', () => {
  it('ends sentences at full stops, question marks and paragraphs, in several scripts', () => {
    expect(sentencesOf('auto', 'One. Two? Three!\n\nFour\n\n  今天天气很好。我想去公园！')).toEqual(['One.', 'Two?', 'Three!', 'Four', '今天天气很好。', '我想去公园！']);
  });

  it.each([
    'Mr. Smith and Mrs. Jones met Dr. Brown.',
    'He saw St. Paul and Prof. Lee, i.e. two men.',
    'The U.S. Army came, e.g. from Ohio.',
    'George W. Bush and J. R. Ewing spoke.',
    'Oranges, pears, etc. Smith bought them all.',
    '"What?" she asked.',
    '“Yes!” he said.',
    'It was —Mr. Brown.',
  ])('keeps %s whole', (text) => {
    expect(sentencesOf('auto', text)).toEqual([text]);
  });

  it('ends a sentence after an abbreviation that a common opening word follows, or that ends the paragraph', () => {
    expect(sentencesOf('auto', 'He lived in the U.S. The house was old. So am I. Perhaps.\n\nAsk Mr.\n\nSmith did.')).toEqual(['He lived in the U.S.', 'The house was old.', 'So am I.', 'Perhaps.', 'Ask Mr.', 'Smith did.']);
  });

  it('joins the lines of a paragraph with one space, with either line end', () => {
    expect(sentencesOf('auto', 'Call me\r\n   Ishmael. Some\nyears ago\r\n\r\nI went')).toEqual(['Call me Ishmael.', 'Some years ago', 'I went']);
  });

  it('finds the sentences of a paragraph longer than the segmenter may see', () => {
    const sentences = Array.from({ length: 2000 }, (_, i) => `Sentence ${String(i)} was here.`);
    expect(sentencesOf('auto', sentences.join(' '))).toEqual(sentences);
  });

  it('lets a sentence without end out in bounded parts that lose nothing but line breaks', () => {
    const text = 'word '.repeat(5000) + '😀'.repeat(5000);
    const parts = partsOf('auto', text);
    expect(Math.max(...parts.map((part) => part.text.length))).toBeLessThanOrEqual(SEGMENT_UNITS_MAX);
    expect(parts.filter(({ ends }) => ends)).toHaveLength(1);
    expect(parts.map((part) => part.text).join('')).toBe(text);
    for (const part of parts) expect(part.text).not.toMatch(/\p{Surrogate}/u);
  });

  it('takes empty text and white space for no sentence', () => {
    expect(sentencesOf('auto', '')).toEqual([]);
    expect(sentencesOf('auto', ' \n\n \t\r\n'.repeat(3000))).toEqual([]);
  });
});

describe('the splitter with rule line', () => {
  it('makes a sentence of every line that is not empty', () => {
    expect(sentencesOf('line', 'One. Two.\r\n\n  three  \nfour')).toEqual(['One. Two.', 'three', 'four']);
  });

  it('lets a long line out in parts and ends it at its end', () => {
    const parts = partsOf('line', `${'ab '.repeat(4000)}\nshort\n`);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.filter(({ ends }) => ends)).toHaveLength(2);
    expect(parts.at(-1)).toEqual({ text: 'short', ends: true });
  });
});

it.each(['auto', 'line'] as const)('rule %s does not depend on how the stream is cut', (rule) => {
  const word = fc.constantFrom('Mr.', 'Ishmael', 'went.', '"Why?"', 'he', '\n', '\n\n', '\r\n', ' ', '   ', 'U.S.', '中文。', '😀', 'x'.repeat(900), 'yes! '.repeat(300));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), fc.array(fc.nat(20_000), { maxLength: 8 }), (words, cuts) => {
      const text = words.join(' ');
      const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
      const pieces = at.slice(1).map((end, i) => text.slice(at[i], end));
      expect(partsOf(rule, ...pieces)).toEqual(partsOf(rule, text));
    }),
    { numRuns: 100 },
  );
});
