import { assert, type Microshard } from '@bptt/core';
import { emptyMicroshard, fillColumn, packSentences, paddedLength } from './microshards.js';
import { permutation, sortByLength } from './sentence-order.js';
import type { Split } from './split.js';

/** Sentences of a microshard in evaluation. */
const EVALUATION_SENTENCES = 32;
/** Most tokens that a microshard of continuous text reads, so that memory is bounded. */
const CONTINUOUS_TOKENS_MAX = 128;

/** The microshards in which a split is scored: fixed by the split alone, whatever the batch of training. */
export interface EvaluationPlan {
  /** Microshards: leaves of the reduction tree. */
  readonly count: number;
  /** Targets of all microshards. */
  readonly tokens: number;
  /** Microshard `i`, read when it is asked for. */
  microshard(i: number): Microshard;
}

/** Every sentence once, neighbours of like length, 32 to a microshard. */
export function planEvaluation(split: Split): EvaluationPlan {
  const order = Uint32Array.from({ length: split.sentences }, (_, i) => i);
  return planInOrderOfLength(split, order, EVALUATION_SENTENCES);
}

/** Which sentences of a split are looked at closely. */
export interface SampleOptions {
  /** How many; all that are long enough where there are fewer. */
  readonly sentences: number;
  /** Targets of a sentence that is long enough. */
  readonly tokensMin: number;
  /** Sentences side by side in a microshard. */
  readonly columns: number;
  readonly seed: number;
}

/** Some of the sentences that are long enough, drawn without replacement; neighbours of like length. */
export function planSample(split: Split, { sentences, tokensMin, columns, seed }: SampleOptions): EvaluationPlan {
  const long = Uint32Array.from({ length: split.sentences }, (_, i) => i).filter((i) => split.sentenceLength(i) > tokensMin);
  const drawn = permutation(long.length, seed, 'sample', 0).subarray(0, sentences).map((i) => long[i]);
  return planInOrderOfLength(split, drawn, columns);
}

/** @param sentences are sorted */
function planInOrderOfLength(split: Split, sentences: Uint32Array, columns: number): EvaluationPlan {
  sortByLength(split, sentences);
  const count = Math.ceil(sentences.length / columns);
  return {
    count,
    tokens: sentences.reduce((sum, sentence) => sum + split.sentenceLength(sentence) - 1, 0),
    microshard(i) {
      assert(Number.isInteger(i) && i >= 0 && i < count, () => `evaluation: microshard ${String(i)} outside [0, ${String(count)})`);
      return packSentences(split, sentences.subarray(i * columns, (i + 1) * columns), { index: i, B: columns });
    },
  };
}

/**
 * The split as one lane of continuous text, in the order of the text: microshard `i` reads the tokens behind those of microshard `i - 1` and is to be
 * given the states that it left. The targets are those of `planEvaluation`.
 */
export function planContinuousEvaluation(split: Split): EvaluationPlan {
  // The last token of the text is predicted, but never read.
  const positions = Math.max(0, split.length - 1);
  const T = paddedLength(Math.min(positions, CONTINUOUS_TOKENS_MAX));
  const count = Math.ceil(positions / T);
  return {
    count,
    tokens: split.tokens,
    microshard(i) {
      assert(Number.isInteger(i) && i >= 0 && i < count, () => `evaluation: microshard ${String(i)} outside [0, ${String(count)})`);
      const microshard = emptyMicroshard(i, T, 1);
      microshard.sequences[0] = 0;
      fillColumn(microshard, 0, split.readTokens(i * T, Math.min((i + 1) * T, positions) + 1));
      return microshard;
    },
  };
}
