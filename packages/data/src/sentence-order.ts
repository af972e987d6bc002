import { stream } from '@bptt/core';
import type { Split } from './split.js';

const INDEXES = 0x100000000;

/** Sorts sentence indexes by length, ties by index, in place. */
export function sortByLength(split: Split, sentences: Uint32Array): void {
  // Length and index in one number, so that the sort needs no comparison function.
  const keys = Float64Array.from(sentences, (sentence) => split.sentenceLength(sentence) * INDEXES + sentence).sort();
  for (let i = 0; i < keys.length; i += 1) sentences[i] = keys[i] % INDEXES;
}

/** A random order of `0 .. count - 1` (Fisher and Yates). */
export function permutation(count: number, seed: number, purpose: string, epoch: number): Uint32Array {
  const random = stream(seed, purpose, epoch);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = Math.floor(random.uniform(i) * (i + 1));
    const swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return order;
}
