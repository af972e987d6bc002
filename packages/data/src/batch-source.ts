import type { Microshard, Truncation } from '@bptt/core';

/** How a run cuts its text into batches. */
export interface BatchOptions {
  /** Sentences of a batch, or with `chunk` truncation lanes. */
  readonly batch: number;
  /** Microshards of a batch (`K`), from 1 to `batch`. */
  readonly microshards: number;
  /** Decides the order of sentences. Not used in stream mode, which keeps the order of the text. */
  readonly seed: number;
  readonly truncation: Truncation;
}

/** What the two modes have to say. */
export interface BatchSource {
  readonly stepsPerEpoch: number;
  /** Microshards of step `position` of an epoch. */
  cut(epoch: number, position: number): (Microshard | undefined)[];
}
