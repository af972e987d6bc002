import { MODEL_DEFAULTS, type ModelConfig, type Truncation } from '@bptt/core';

/** A model and the batches that it is trained on: what all contenders of one table do. */
export interface Workload {
  readonly name: string;
  readonly model: ModelConfig;
  readonly truncation: Truncation;
  /** Words of a sentence. */
  readonly T: number;
  /** Sentences of a step. */
  readonly B: number;
}

/** The tutorial's model: tanh, no biases, one-hot input, 8,000 words, 100 hidden units. */
const TUTORIAL: ModelConfig = { ...MODEL_DEFAULTS, biases: false };
const SENTENCE_WORDS = 20;
const TRUNCATIONS: readonly Truncation[] = [{ kind: 'window', k: 4 }, { kind: 'full' }];

/**
 * `tutorial`: one sentence of 20 words a step. `tutorial-32`: 32 of them. Each with window:4 and with full truncation.
 * @param quick `tutorial` alone
 */
export function workloads(quick: boolean): Workload[] {
  const sizes = quick ? [1] : [1, 32];
  return sizes.flatMap((B) => TRUNCATIONS.map((truncation) => ({ name: B === 1 ? 'tutorial' : `tutorial-${String(B)}`, model: TUTORIAL, truncation, T: SENTENCE_WORDS, B })));
}
