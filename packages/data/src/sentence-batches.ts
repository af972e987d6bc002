import { BpttError } from '@bptt/core';
import type { BatchOptions, BatchSource } from './batch-source.js';
import { packSentences } from './microshards.js';
import { permutation, sortByLength } from './sentence-order.js';
import type { Split } from './split.js';

/** Batches of a pool: sentences are sorted by length within it, so that a batch has little padding and yet other neighbours each epoch. */
const POOL_BATCHES = 64;

/** Batches of whole sentences. */
export function planSentences(split: Split, { batch, microshards, seed }: BatchOptions): BatchSource {
  const { sentences } = split;
  if (batch > sentences) throw new BpttError('invalid-argument', `batch: expected at most ${String(sentences)} (sentences of the text), got ${String(batch)}`);
  const stepsPerEpoch = Math.ceil(sentences / batch);
  const columns = Math.ceil(batch / microshards);
  let cached: { epoch: number; order: EpochOrder } | undefined;
  return {
    stepsPerEpoch,
    cut(epoch, position) {
      if (cached?.epoch !== epoch) cached = { epoch, order: orderEpoch(split, { batch, seed, epoch }) };
      const begin = cached.order.batches[position] * batch;
      const chosen = cached.order.sentences.subarray(begin, Math.min(begin + batch, sentences));
      return Array.from({ length: microshards }, (_, index) => {
        const share = chosen.subarray(Math.floor((index * chosen.length) / microshards), Math.floor(((index + 1) * chosen.length) / microshards));
        return share.length === 0 ? undefined : packSentences(split, share, { index, B: columns });
      });
    },
  };
}

interface EpochOrder {
  /** Sentences, batch after batch; within a batch by length, then by index. */
  readonly sentences: Uint32Array;
  /** Which batch a step of the epoch takes. */
  readonly batches: Uint32Array;
}

function orderEpoch(split: Split, { batch, seed, epoch }: { batch: number; seed: number; epoch: number }): EpochOrder {
  const sentences = permutation(split.sentences, seed, 'order', epoch);
  for (let begin = 0; begin < sentences.length; begin += POOL_BATCHES * batch) sortByLength(split, sentences.subarray(begin, begin + POOL_BATCHES * batch));
  return { sentences, batches: permutation(Math.ceil(split.sentences / batch), seed, 'batch-order', epoch) };
}
