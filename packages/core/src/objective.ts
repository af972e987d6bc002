import type { Reduction } from './reduction.js';
import type { Truncation } from './truncation.js';

/** What training differentiates, and how far back in time. With the model it fixes the gradient of a batch. */
export interface Objective {
  readonly truncation: Truncation;
  readonly reduction: Reduction;
  /** Share of the units on non-recurrent connections that a training step sets to zero, in [0, 1): Zaremba et al. 2014. */
  readonly dropout: number;
  /** One dropout mask for all time steps of a sequence (Gal and Ghahramani 2016) instead of one for each. */
  readonly variational: boolean;
  /** Activation regularisation: weight of the mean square of the top states that the head reads, after dropout (Merity et al. 2017). */
  readonly ar: number;
  /** Temporal activation regularisation: weight of the mean square of `s_t - s_{t-1}` in the top layer, before dropout (the same). */
  readonly tar: number;
  /** Weight of the mean over all transitions of Pascanu's penalty `(||dE/ds_t ds_t/ds_{t-1}|| / ||dE/ds_t|| - 1)^2`, per layer (2013, equation 9). */
  readonly omega: number;
}

/** The mean loss of the tokens, differentiated through the whole sequence, without any regulariser. */
export const OBJECTIVE_DEFAULTS: Objective = { truncation: { kind: 'full' }, reduction: 'tokenMean', dropout: 0, variational: false, ar: 0, tar: 0, omega: 0 };

/** `objective` as an evaluation has it: truncation and reduction alone. */
export function withoutRegularisers({ truncation, reduction }: Objective): Objective {
  return { ...OBJECTIVE_DEFAULTS, truncation, reduction };
}

/** What a whole batch has of each kind: the divisors of the means. Each microshard needs them, since it computes its share of a mean. */
export interface BatchCounts {
  /** Targets. */
  readonly tokens: number;
  /** Steps from one position that is read to the next of the same sequence. */
  readonly transitions: number;
  readonly sequences: number;
}

/** What several parts of a batch have together. */
export function addCounts(parts: readonly BatchCounts[]): BatchCounts {
  const sum = { tokens: 0, transitions: 0, sequences: 0 };
  for (const { tokens, transitions, sequences } of parts) {
    sum.tokens += tokens;
    sum.transitions += transitions;
    sum.sequences += sequences;
  }
  return sum;
}

/** The batch that a microshard is a part of. */
export interface BatchContext {
  /** Training step, counted from 0: a part of every dropout mask's name. */
  readonly step: number;
  readonly counts: BatchCounts;
}

/** Whether a gradient of `objective` depends on the batch around the microshard. */
export function needsBatch({ dropout, ar, tar, omega }: Objective): boolean {
  return dropout > 0 || ar > 0 || tar > 0 || omega > 0;
}
