export const TOKEN_KINDS = ['word', 'char', 'whitespace'] as const;
/**
 * What a token is. `word`: words and punctuation marks of running text, in any language. `char`: every Unicode code point. `whitespace`:
 * what lies between spaces, for corpora that others have tokenised (`<unk>` is UNKNOWN_TOKEN, `<eos>` the end of the sentence).
 */
export type TokenKind = (typeof TOKEN_KINDS)[number];

export const SENTENCE_RULES = ['auto', 'line'] as const;
/** What a sentence is. `auto`: found in paragraphs of running text (with `whitespace` tokens: a line). `line`: every line that is not empty. */
export type SentenceRule = (typeof SENTENCE_RULES)[number];

/** How text becomes sentences of tokens. */
export interface TextOptions {
  readonly tokens: TokenKind;
  /** Whether letters are made lower-case before anything is counted. */
  readonly lowercase: boolean;
  readonly sentences: SentenceRule;
}

/** The rule that `options` really mean: pre-tokenised text has one sentence a line. */
export function sentenceRule(options: TextOptions): SentenceRule {
  return options.tokens === 'whitespace' ? 'line' : options.sentences;
}
