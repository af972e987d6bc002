import { assert } from '@bptt/core';
import type { Split } from './split.js';
import { SENTENCE_START, UNKNOWN_TOKEN } from './vocabulary.js';

const BLOCK_TOKENS = 1 << 16;

/**
 * Loss of the add-one unigram model, `p(w) = (n_w + 1) / (N + V)` with the counts of the targets of `train`, on the targets of `evaluated`:
 * what a model that ignores all context reaches. In nats per token.
 */
export function unigramLoss(train: Split, evaluated: Split, vocabularySize: number): number {
  assert(evaluated.tokens > 0, () => 'unigramLoss: nothing to evaluate');
  const seen = countTargetsById(train, vocabularySize);
  const wanted = countTargetsById(evaluated, vocabularySize);
  const logTotal = Math.log(train.tokens + vocabularySize);
  let loss = 0;
  for (let id = 0; id < vocabularySize; id += 1) if (wanted[id] > 0) loss += wanted[id] * (logTotal - Math.log(seen[id] + 1));
  return loss / evaluated.tokens;
}

/** Share of the targets of a split that are UNKNOWN_TOKEN, in [0, 1]. They are predicted like any other word, and make a small vocabulary look good. */
export function unknownShare(split: Split, vocabularySize: number): number {
  assert(split.tokens > 0, () => 'unknownShare: nothing to count');
  return countTargetsById(split, vocabularySize)[UNKNOWN_TOKEN] / split.tokens;
}

function countTargetsById(split: Split, vocabularySize: number): Float64Array {
  const counts = new Float64Array(vocabularySize);
  for (let begin = 0; begin < split.length; begin += BLOCK_TOKENS) {
    for (const id of split.readTokens(begin, Math.min(begin + BLOCK_TOKENS, split.length))) counts[id] += 1;
  }
  counts[SENTENCE_START] = 0;
  return counts;
}
