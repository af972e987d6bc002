import type { TokenKind } from './text-options.js';

/** On which neighbour a token leans, without a space: the one before, the one after, both, or none. */
type Leaning = 'before' | 'after' | 'both' | 'none';

const CLOSING = /^(?:[,.!?;:)\]}%°’”…、。，！？：；）」』》〉】〕]+|''|n['’]t|['’](?:s|m|d|ll|re|ve|t))$/iu;
const OPENING = /^(?:[([{#“‘„‚¿¡（「『《〈【〔]+|``)$/u;
const DASH = /^(?:-{1,3}|[–—/]+)$/u;
const CURRENCY = /^[$£€¥]$/u;
const NUMBER = /^\p{Nd}/u;
const WORD = /^[\p{L}\p{N}]/u;
const PAUSE = /^[;:!?,]$/;
/** What follows a quotation that has ended, and never one that begins. */
const CLOSED = /^[;:!?,.)]$/;
const SENTENCE_MARK = /^(?:[.!?]+|…)$/u;
/** What is written with an apostrophe for what it lost at its beginning: `'tis`, `'89`. */
const CLIPPED = /^(?:tis|twas|twere|twill|twould|twixt|em|til|tween|round|neath|gainst|mong|bout|cause|\p{Nd}{2})$/iu;
/** Scripts that write no spaces between words, and their marks. */
const NO_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}、。，！？：；（）「」『』《》〈〉【】〔〕・]/u;
const MARK = /^\p{P}+$/u;

/** Marks that open and close with the same sign, or in some languages the other way round. The first of a pair opens. */
const QUOTES: ReadonlyMap<string, string> = new Map([['"', '"'], ["'", "'"], ['«', '»'], ['»', '«']]);

/**
 * Readable text of the tokens of a sentence: no space before `, . ! ? ; : )` or after `(`, quotation marks that close those that are open, apostrophes,
 * hyphens and dashes without spaces, currency signs beside their numbers, Spanish `¿` and `¡`, German `„ “`, no spaces in scripts that write none.
 * SENTENCE_START and SENTENCE_END are left out. Tokens do not say how they were spaced, so this is a guess and not an inverse, right for more than 99 of
 * 100 boundaries of the built-in corpora; for `char` it is exact. Letters stay as they are: what was made lower-case stays lower-case.
 */
export function detokenize(words: readonly string[], kind: TokenKind): string {
  const tokens = words.filter((word) => word !== 'SENTENCE_START' && word !== 'SENTENCE_END');
  if (kind === 'char') return tokens.join('');
  const leanings = lean(tokens);
  return tokens.map((token, i) => (i > 0 && hasSpace(tokens, leanings, i) ? ` ${token}` : token)).join('');
}

/** Whether a space stands before token `i`. */
function hasSpace(tokens: readonly string[], leanings: readonly Leaning[], i: number): boolean {
  const [before, token] = [tokens[i - 1], tokens[i]];
  // Without a space between them, a tokenizer would have made them one token.
  if (MARK.test(token) && before.endsWith(token)) return true;
  if (leanings[i] === 'before' || leanings[i] === 'both' || leanings[i - 1] === 'after' || leanings[i - 1] === 'both') return false;
  return !((NO_SPACES.test(before) && (NO_SPACES.test(token) || MARK.test(token))) || (NO_SPACES.test(token) && MARK.test(before)));
}

function lean(tokens: readonly string[]): Leaning[] {
  const open = new Set<string>();
  return tokens.map((token, i) => {
    const context = { before: tokens.at(i - 1 < 0 ? tokens.length : i - 1), after: tokens.at(i + 1), open };
    if (QUOTES.has(token)) return leanQuote(token, context);
    return leanMark(token, context);
  });
}

interface Context {
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** Marks that are waited for. */
  readonly open: Set<string>;
}

function leanMark(token: string, { before, after, open }: Context): Leaning {
  const isRepeated = before === token || after === token;
  if (token === '.' && isRepeated) return 'none';
  if (DASH.test(token)) return isRepeated || (token === '-' && (before === undefined || PAUSE.test(before))) ? 'none' : 'both';
  if (CURRENCY.test(token)) return before !== undefined && NUMBER.test(before) && !(after !== undefined && NUMBER.test(after)) ? 'none' : 'after';
  if (token === '’' && after !== undefined) {
    if (isPlural(before, after)) return 'both';
    if (CLIPPED.test(after)) return 'after';
  }
  if (token === '„' || token === '‚') open.add(token === '„' ? '“' : '‘');
  else if (open.delete(token)) return 'before';
  if (CLOSING.test(token)) return 'before';
  return OPENING.test(token) ? 'after' : 'none';
}

function leanQuote(token: string, { before, after, open }: Context): Leaning {
  if (token === "'" && after !== undefined) {
    if (isPlural(before, after)) return 'both';
    if (CLIPPED.test(after)) return 'after';
  }
  if (open.delete(token)) return 'before';
  const isPossessive = token === "'" && before !== undefined && WORD.test(before) && !(after !== undefined && OPENING.test(after));
  // A quotation that began in a sentence before ends here.
  const closesEarlier = before !== undefined && (after === undefined || CLOSED.test(after) || (SENTENCE_MARK.test(before) && !/^\p{Lu}/u.test(after)));
  if (isPossessive || closesEarlier) return 'before';
  open.add(QUOTES.get(token) ?? token);
  return 'after';
}

/** `1990's`, of which a tokenizer makes three tokens. */
function isPlural(before: string | undefined, after: string): boolean {
  return before !== undefined && NUMBER.test(before) && /^s$/i.test(after);
}
