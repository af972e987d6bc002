import { createSentenceSplitter, type TextConsumer } from './sentences.js';
import { sentenceRule, type TextOptions } from './text-options.js';
import { tokenize } from './tokenizer.js';

/** Targets of the longest sentence, SENTENCE_END included. A longer one is cut into several. */
export const SENTENCE_TOKENS_MAX = 256;

/** Takes the words of one sentence, at least one and fewer than `SENTENCE_TOKENS_MAX`. `goesOn`: they continue the sentence before, which was cut. */
export type WordsSink = (words: readonly string[], goesOn: boolean) => void;

/** Turns a stream of text into sentences of words. The result does not depend on how the stream is cut into pieces. */
export function createSentenceReader(options: TextOptions, sink: WordsSink): TextConsumer {
  const wordsMax = SENTENCE_TOKENS_MAX - 1;
  let words: string[] = [];
  let goesOn = false;
  return createSentenceSplitter(sentenceRule(options), (text, ends) => {
    const tokens = tokenize(options.lowercase ? text.toLowerCase() : text, options.tokens);
    words = words.length === 0 ? tokens : words.concat(tokens);
    let begin = 0;
    while (words.length - begin > wordsMax) {
      emit(words.slice(begin, begin + wordsMax));
      begin += wordsMax;
    }
    if (begin > 0) words = words.slice(begin);
    if (!ends) return;
    if (words.length > 0) emit(words);
    words = [];
    goesOn = false;
  });

  function emit(sentence: readonly string[]): void {
    sink(sentence, goesOn);
    goesOn = true;
  }
}

/** Sentences of words of a text that fits in memory, for instance a prompt. */
export function tokenizeText(text: string, options: TextOptions): string[][] {
  const sentences: string[][] = [];
  const reader = createSentenceReader(options, (words) => sentences.push([...words]));
  reader.push(text);
  reader.end();
  return sentences;
}
