import type { TokenKind } from './text-options.js';

/**
 * Words in the sense of Unicode's text segmentation (UAX 29): letters and digits, with `'` and `.` between letters (`don't`, `e.g`) and
 * `' . , ;` between digits (`1,000.5`). A run of the same punctuation mark or symbol is one token (`...`, `--`). These two expressions define the
 * tokens of all scripts that write spaces between words; they agree on ASCII text, where the first is the faster.
 */
const ASCII_TOKEN = /[A-Za-z0-9_]+(?:(?:(?<=[A-Za-z])['.](?=[A-Za-z])|(?<=[0-9])['.,;](?=[0-9]))[A-Za-z0-9_]+)*|([!-/:-@[-^`{-~])\1*|\S/g;
const TOKEN = /(?:[\p{L}\p{Nl}\p{Nd}\p{Pc}][\p{M}\u200c\u200d\u00ad]*)+(?:(?:(?<=[\p{L}\p{Nl}][\p{M}\u200c\u200d\u00ad]*)['.’‘·](?=[\p{L}\p{Nl}])|(?<=\p{Nd})['.,;’‘](?=\p{Nd}))(?:[\p{L}\p{Nl}\p{Nd}\p{Pc}][\p{M}\u200c\u200d\u00ad]*)+)*|([\p{P}\p{S}])\1*\p{M}*|\S\p{M}*/gu;
const IS_ASCII = /^[\0-\x7f]*$/;

/** Scripts without spaces between words need a dictionary, pictures made of several code points the full rules. */
const NEEDS_SEGMENTER = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Regional_Indicator}\p{Extended_Pictographic}]/u;
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'word' });
const PUNCTUATION = /^[\p{P}\p{S}]$/u;

/** Tokens of one sentence or a part of one. White space separates tokens and, but for `char`, is none itself. */
export function tokenize(text: string, kind: TokenKind): string[] {
  // For ASCII code units are code points, and ten times faster.
  if (kind === 'char') return IS_ASCII.test(text) ? text.split('') : Array.from(text);
  if (kind === 'whitespace') return (text.match(/\S+/g) ?? []).filter((token) => token !== '<eos>');
  return tokenizeWords(text);
}

function tokenizeWords(text: string): string[] {
  if (IS_ASCII.test(text)) return text.match(ASCII_TOKEN) ?? [];
  if (!NEEDS_SEGMENTER.test(text)) return text.match(TOKEN) ?? [];
  return (text.match(/\S+/g) ?? []).flatMap((run) => (NEEDS_SEGMENTER.test(run) ? segmentRun(run) : (run.match(TOKEN) ?? [])));
}

/** `run` has no white space. */
function segmentRun(run: string): string[] {
  const tokens: string[] = [];
  let mark = '';
  for (const { segment } of SEGMENTER.segment(run)) {
    if (segment === mark) tokens[tokens.length - 1] += segment;
    else tokens.push(segment);
    mark = PUNCTUATION.test(segment) ? segment : '';
  }
  return tokens;
}
