import { BpttError } from './errors.js';

/** What a generated text may hold and must hold, and what ends it. All are word ids. */
export interface TextRules {
  /** Ends the text and is no part of it: SENTENCE_END. */
  readonly end: number;
  /** Words that end the text and are its last word. */
  readonly stop: ReadonlySet<number>;
  /** Words that are never chosen. */
  readonly forbidden: ReadonlySet<number>;
  /** Words that must occur, in any order, the prompt included: before that neither `end` nor a stop word is chosen. */
  readonly required: ReadonlySet<number>;
  /** Most words chosen. */
  readonly length: number;
}

/** How far a text has come. */
export interface TextState {
  /** Whether it has no word yet. */
  readonly isEmpty: boolean;
  /** Words that may still be chosen. */
  readonly left: number;
  /** Required words that have not occurred yet. */
  readonly missing: ReadonlySet<number>;
}

/** Which words may come next. */
export interface NextWords {
  readonly forbidden: ReadonlySet<number>;
  /** Where present, one of these must come next. */
  readonly only: ReadonlySet<number> | undefined;
}

/**
 * The state of a text that begins with `prompt`.
 * @param vocabulary words that there are: ids are below it
 * @throws BpttError `invalid-argument` for rules that no text can keep: a required word that is forbidden, more missing words than `length`, two required words that
 *   both end the text, no first word that is not forbidden
 */
export function beginText(rules: TextRules, prompt: readonly number[], vocabulary: number): TextState {
  const missing = without(rules.required, prompt);
  const refuse = (reason: string): never => { throw new BpttError('invalid-argument', `require: ${reason}`); };
  for (const word of missing) if (rules.forbidden.has(word) || word === rules.end) refuse(`expected words that are not forbidden, got word ${String(word)}`);
  if (missing.size > rules.length) refuse(`expected at most ${String(rules.length)} words (the length), got ${String(missing.size)}`);
  const stopping = [...missing].filter((word) => rules.stop.has(word));
  if (stopping.length > 1) refuse(`expected at most one word that ends the text, got ${String(stopping.length)}`);
  // A text that has its first word and nothing missing can end; a missing word can come.
  if (prompt.length === 0 && missing.size === 0 && !hasFirstWord(rules, vocabulary)) {
    throw new BpttError('invalid-argument', 'forbid: expected a word that is not forbidden, got every word of the vocabulary');
  }
  return { isEmpty: prompt.length === 0, left: rules.length, missing };
}

function hasFirstWord({ forbidden, end }: TextRules, vocabulary: number): boolean {
  for (let word = 0; word < vocabulary; word += 1) if (word !== end && !forbidden.has(word)) return true;
  return false;
}

/**
 * What may follow. An end must wait for the required words, and for a first word; where no more words are left than are missing, one of the
 * missing words must come. A text that begins well therefore always ends well.
 */
export function nextWords(rules: TextRules, { isEmpty, left, missing }: TextState): NextWords {
  const only = missing.size > 0 && left <= missing.size ? missing : undefined;
  if (missing.size === 0 && !isEmpty) return { forbidden: rules.forbidden, only };
  const forbidden = new Set(rules.forbidden).add(rules.end);
  for (const word of rules.stop) if (missing.size > (missing.has(word) ? 1 : 0)) forbidden.add(word);
  return { forbidden, only };
}

/** The text with one more word, which is not `end`. */
export function extendText({ left, missing }: TextState, word: number): TextState {
  return { isEmpty: false, left: left - 1, missing: missing.has(word) ? without(missing, [word]) : missing };
}

function without(words: ReadonlySet<number>, gone: readonly number[]): ReadonlySet<number> {
  const kept = new Set(words);
  for (const word of gone) kept.delete(word);
  return kept;
}
