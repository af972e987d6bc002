import type { BatchCounts, Microshard } from '@bptt/core';

/** One global batch, cut into microshards. */
export interface TrainingBatch {
  readonly epoch: number;
  /** Whether this is the first batch of its epoch: carried states are zero. */
  readonly startsEpoch: boolean;
  /** One entry a microshard (K); undefined where a microshard has nothing to compute. */
  readonly microshards: readonly (Microshard | undefined)[];
  /** Of the whole batch. */
  readonly counts: BatchCounts;
}

/** What a parameter server needs to know of a corpus. Every part is a pure function of the corpus and the run's configuration. */
export interface RunData {
  /** Hash of the encoded corpus. */
  readonly hash: string;
  readonly stepsPerEpoch: number;
  /** Microshards of a batch (K). */
  readonly microshards: number;
  /** The batch of a step, counted from 0. */
  batch(step: number): TrainingBatch;
  readonly evaluation: {
    /** Microshards of an evaluation: the leaves of its reduction tree. */
    readonly count: number;
    microshard(index: number): Microshard;
  };
}
