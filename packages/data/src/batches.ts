import { addCounts, assert, countMicroshard, type BatchCounts, type Microshard } from '@bptt/core';
import type { BatchOptions } from './batch-source.js';
import { planSentences } from './sentence-batches.js';
import type { Split } from './split.js';
import { planStream } from './stream-batches.js';

/** The data of one training step. */
export interface Batch {
  readonly step: number;
  /** `floor(step / stepsPerEpoch)`. */
  readonly epoch: number;
  /** Whether this is the first step of its epoch: carried states are reset to zero before it. */
  readonly startsEpoch: boolean;
  /** `[K]`, each at its index; undefined where a microshard reads nothing, since the batch has too few sequences. */
  readonly microshards: readonly (Microshard | undefined)[];
  /** Of the whole batch; a lane is a sequence. */
  readonly counts: BatchCounts;
}

/** All batches of a run. */
export interface BatchPlan {
  readonly stepsPerEpoch: number;
  /** Microshards of every batch (`K`). */
  readonly microshards: number;
  /** The batch of a step (0, 1, ...): a pure function of split, options and step, in whatever order steps are asked for. */
  batch(step: number): Batch;
}

/**
 * Plans the batches of a run.
 *
 * With `full` or `window` truncation every sentence occurs once an epoch, in an order that depends on (seed, epoch): shuffled, sorted by
 * length within pools of batches, cut into batches, the batches shuffled. The last batch of a pool may be smaller. With `chunk(k)` the text
 * is one stream in `batch` lanes of which a step reads `k` tokens.
 * @throws BpttError `invalid-argument` when the batch is larger than the corpus
 */
export function planBatches(split: Split, options: BatchOptions): BatchPlan {
  const { batch, microshards, truncation } = options;
  assert(Number.isInteger(batch) && Number.isInteger(microshards) && microshards >= 1 && microshards <= batch,
    () => `batches: expected 1 <= microshards <= batch, got microshards ${String(microshards)}, batch ${String(batch)}`);
  const source = truncation.kind === 'chunk' ? planStream(split, { batch, microshards, k: truncation.k }) : planSentences(split, options);
  const { stepsPerEpoch } = source;
  return {
    stepsPerEpoch,
    microshards,
    batch(step) {
      assert(Number.isInteger(step) && step >= 0, () => `batches: no step ${String(step)}`);
      const epoch = Math.floor(step / stepsPerEpoch);
      const position = step - epoch * stepsPerEpoch;
      const shards = source.cut(epoch, position);
      const present = shards.filter((shard) => shard !== undefined);
      return {
        step,
        epoch,
        startsEpoch: position === 0,
        microshards: shards,
        counts: addCounts(present.map(countMicroshard)),
      };
    },
  };
}
