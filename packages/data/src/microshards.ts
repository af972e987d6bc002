import { assert, NO_TOKEN, type Microshard } from '@bptt/core';
import type { Split } from './split.js';
import { SENTENCE_START } from './vocabulary.js';

/** Lengths that sentences are padded to: few, so that backends compile few plans. The last is the longest sentence there is. */
export const SEQUENCE_LENGTHS: readonly number[] = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

/** The smallest of `SEQUENCE_LENGTHS` that holds `steps` time steps. */
export function paddedLength(steps: number): number {
  const length = SEQUENCE_LENGTHS.find((candidate) => candidate >= steps);
  assert(length !== undefined, () => `a sequence of ${String(steps)} steps is longer than ${String(SEQUENCE_LENGTHS.at(-1))}`);
  return length;
}

/** A microshard of nothing but padding, to be filled column by column. */
export function emptyMicroshard(index: number, T: number, B: number): Microshard {
  const padding = (length: number): Int32Array => new Int32Array(length).fill(NO_TOKEN);
  return { index, T, B, inputs: padding(T * B), targets: padding(T * B), sequences: padding(B) };
}

/** Continuous text in one column: `tokens` are those to be read and the one after. A position whose next token is SENTENCE_START has no target. */
export function fillColumn({ B, inputs, targets }: Microshard, column: number, tokens: Int32Array): void {
  for (let t = 0; t + 1 < tokens.length; t += 1) {
    inputs[t * B + column] = tokens[t];
    if (tokens[t + 1] !== SENTENCE_START) targets[t * B + column] = tokens[t + 1];
  }
}

/**
 * Sentences side by side: inputs are a sentence without its end, targets the same without its start.
 * @param B columns; those beyond the sentences are padding
 */
export function packSentences(split: Split, sentences: ArrayLike<number>, { index, B }: { index: number; B: number }): Microshard {
  assert(sentences.length <= B, () => `${String(sentences.length)} sentences do not fit ${String(B)} columns`);
  const read = Array.from(sentences, (sentence) => split.readSentence(sentence));
  const T = paddedLength(read.reduce((longest, tokens) => Math.max(longest, tokens.length - 1), 0));
  const microshard = emptyMicroshard(index, T, B);
  read.forEach((tokens, b) => {
    microshard.sequences[b] = sentences[b];
    for (let t = 0; t + 1 < tokens.length; t += 1) {
      microshard.inputs[t * B + b] = tokens[t];
      microshard.targets[t * B + b] = tokens[t + 1];
    }
  });
  return microshard;
}
