import { tokenizeText } from './sentence-reader.js';
import type { TextOptions } from './text-options.js';
import { SENTENCE_END, SENTENCE_START, type Vocabulary } from './vocabulary.js';

/** `SENTENCE_START w1 .. wn SENTENCE_END` of every sentence of a text that fits in memory. */
export function encodeText(text: string, vocabulary: Vocabulary, options: TextOptions): Int32Array[] {
  return tokenizeText(text, options).map((words) => {
    const ids = words.map((word) => vocabulary.idOf(word));
    return Int32Array.of(SENTENCE_START, ...ids, SENTENCE_END);
  });
}
