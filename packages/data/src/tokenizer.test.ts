import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenize } from './tokenizer.js';

const SEGMENTER = new Intl.Segmenter('en', { granularity: 'word' });

/** Words by the Unicode segmenter, without runs of marks put together. */
function segmented(text: string): string[] {
  return Array.from(SEGMENTER.segment(text), ({ segment }) => segment).filter((segment) => segment.trim() !== '');
}

describe('word tokens', () => {
  it.each([
    ["Don't panic, it's 3.5 or 1,000!", ["Don't", 'panic', ',', "it's", '3.5', 'or', '1,000', '!']],
    ['Well... -- "Town-Ho\'s"', ['Well', '...', '--', '"', 'Town', '-', "Ho's", '"']],
    ['the U.S. and snake_case2', ['the', 'U.S', '.', 'and', 'snake_case2']],
    ['“L’été” — naïve…', ['“', 'L’été', '”', '—', 'naïve', '…']],
    ['Слово, ещё', ['Слово', ',', 'ещё']],
    ['go 🇩🇪👨‍👩‍👧 now!!', ['go', '🇩🇪', '👨‍👩‍👧', 'now', '!!']],
    ['cafe\u0301 x', ['cafe\u0301', 'x']],
    [' \t\r\n', []],
    ['', []],
  ])('of %j', (text, tokens) => {
    expect(tokenize(text, 'word')).toEqual(tokens);
  });

  it('of Chinese and Japanese come from the dictionary, and nothing is lost', () => {
    const chinese = '今天天气很好，我想去公园。';
    const tokens = tokenize(chinese, 'word');
    expect(tokens.join('')).toBe(chinese);
    expect(tokens).toContain('今天');
    expect(tokens).toContain('，');
    expect(tokenize('私は映画を見ました。', 'word')).toContain('映画');
  });

  it('agree with the Unicode segmenter, but for runs of one mark', () => {
    const unit = fc.constantFrom(...Array.from('abZé1ß20ж_ \'.,;-!$"()’“—…'));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 20 }), (text) => {
        fc.pre(!/([-!$"()’“—….,;'])\1/u.test(text));
        expect(tokenize(text, 'word')).toEqual(segmented(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('of ASCII text do not depend on what stands beside it', () => {
    const ascii = fc.string({ unit: fc.constantFrom(...Array.from('aB1_ \'.,;:-!$`~^|{}<>@\0\u0007')), maxLength: 20 });
    fc.assert(
      fc.property(ascii, (text) => {
        const alone = tokenize(text, 'word');
        expect(tokenize(`${text} é`, 'word')).toEqual([...alone, 'é']);
        expect(tokenize(`${text} 中`, 'word')).toEqual([...alone, '中']);
      }),
      { numRuns: 1000 },
    );
  });
});

it('char tokens are code points, spaces included', () => {
  expect(tokenize('a b😀中', 'char')).toEqual(['a', ' ', 'b', '😀', '中']);
});

it('whitespace tokens are taken as they are, without the end mark', () => {
  expect(tokenize(" the <unk> did n't @-@ it <eos> ", 'whitespace')).toEqual(['the', '<unk>', 'did', "n't", '@-@', 'it']);
});
