import { assert, type Microshard } from '@bptt/core';
import { packSentences } from './microshards.js';
import { sortByLength } from './sentence-order.js';
import type { Split } from './split.js';

/** Sentences of a microshard in evaluation. */
const EVALUATION_SENTENCES = 32;

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
  sortByLength(split, order);
  const count = Math.ceil(order.length / EVALUATION_SENTENCES);
  return {
    count,
    tokens: split.tokens,
    microshard(i) {
      assert(Number.isInteger(i) && i >= 0 && i < count, () => `evaluation: microshard ${String(i)} outside [0, ${String(count)})`);
      return packSentences(split, order.subarray(i * EVALUATION_SENTENCES, (i + 1) * EVALUATION_SENTENCES), { index: i, B: EVALUATION_SENTENCES });
    },
  };
}
