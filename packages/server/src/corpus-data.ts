import { planBatches, planEvaluation, type Corpus } from '@bptt/data';
import type { RunConfig } from './run-config.js';
import type { RunData } from './run-data.js';

/** What a run of `config` reads of `corpus`: batches of its training split, and its validation split for evaluation. */
export function corpusRunData(corpus: Pick<Corpus, 'hash' | 'train' | 'valid'>, config: Pick<RunConfig, 'batch' | 'microshards' | 'seed' | 'objective'>): RunData {
  const { batch, microshards, seed, objective: { truncation } } = config;
  const plan = planBatches(corpus.train, { batch, microshards, seed, truncation });
  return {
    hash: corpus.hash,
    stepsPerEpoch: plan.stepsPerEpoch,
    microshards: plan.microshards,
    batch: (step) => plan.batch(step),
    evaluation: planEvaluation(corpus.valid),
  };
}
