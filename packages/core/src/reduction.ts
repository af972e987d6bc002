export const REDUCTIONS = ['tokenMean', 'sentenceSum'] as const;
/**
 * How the loss of a batch is made of the losses of its tokens. `tokenMean`: their mean. `sentenceSum`: their sum over each sentence,
 * mean over the sentences of the batch (with batch 1 the tutorial's loss). Learning rates and clip thresholds mean nothing without it.
 */
export type Reduction = (typeof REDUCTIONS)[number];

/** By how much the sum over all tokens of a batch is divided. */
export function reductionDivisor(reduction: Reduction, counts: { readonly tokens: number; readonly sequences: number }): number {
  return reduction === 'tokenMean' ? counts.tokens : counts.sequences;
}
