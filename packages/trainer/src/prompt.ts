import { BpttError } from '@bptt/core';
import { tokenizeText, UNKNOWN_TOKEN } from '@bptt/data';
import type { TrainedModel } from './trained-model.js';

type Words = Pick<TrainedModel, 'vocabulary' | 'text'>;

/** A prompt as tokens and their ids. */
export interface Prompt {
  readonly tokens: readonly string[];
  readonly ids: readonly number[];
}

/** Reads a prompt as the text of the run was read. A word that the run does not know is read as UNKNOWN_TOKEN, and named in a warning. */
export function readPrompt({ vocabulary, text }: Words, prompt: string, onWarning: (message: string) => void): Prompt {
  const tokens = tokenizeText(prompt, text).flat();
  const unknown = [...new Set(tokens.filter((word) => vocabulary.idOf(word) === UNKNOWN_TOKEN))];
  if (unknown.length > 0) onWarning(`prompt: not in the vocabulary of this run, read as UNKNOWN_TOKEN: ${unknown.join(', ')}`);
  return { tokens, ids: tokens.map((word) => vocabulary.idOf(word)) };
}

/**
 * The ids of words that something must or must not do.
 * @param key for the message
 * @throws BpttError `invalid-argument` for words that the run does not know
 */
export function knownWords(model: Words, key: string, words: string): ReadonlySet<number> {
  const tokens = wordsOf(model, words);
  const unknown = tokens.filter((word) => model.vocabulary.idOf(word) === UNKNOWN_TOKEN);
  if (unknown.length > 0) throw new BpttError('invalid-argument', `${key}: expected words of the vocabulary of this run, got ${unknown.join(', ')}`);
  return new Set(tokens.map((word) => model.vocabulary.idOf(word)));
}

/** The ids of those words that the run knows. */
export function knownAmong(model: Words, words: string): ReadonlySet<number> {
  return new Set(wordsOf(model, words).map((word) => model.vocabulary.idOf(word)).filter((id) => id !== UNKNOWN_TOKEN));
}

function wordsOf({ text }: Words, words: string): string[] {
  return tokenizeText(words, text).flat();
}
