import type { Gradient } from '../gradient.js';
import type { ParameterLayout } from '../parameters.js';

/** What an optimiser makes a step of. It changes none of it. */
export interface OptimizerStep {
  readonly layout: ParameterLayout;
  readonly parameters: Float32Array;
  /** What it keeps from step to step, an array as long as the parameters for each name in `Optimizer.slots`; zero at first. */
  readonly slots: readonly Float32Array[];
  readonly gradient: Gradient;
  readonly learningRate: number;
  /** Steps done before this one, since the slots were zero. */
  readonly updates: number;
}

/** Where an optimiser writes a step: other arrays than it reads, so that readers are not disturbed and a step that overflows can be dropped. */
export interface OptimizerTarget {
  readonly parameters: Float32Array;
  readonly slots: readonly Float32Array[];
}

/**
 * A rule of descent. A row that a gradient lacks is a row of zeros: it decays, and its slots go on, as in PyTorch with a dense gradient. Numbers
 * are computed in float64 and rounded where they are stored.
 */
export interface Optimizer {
  /** Names of its slots, in the order of the arrays. */
  readonly slots: readonly string[];
  step(step: OptimizerStep, into: OptimizerTarget): void;
}

/** What every optimiser can do beside its rule. */
export interface Decay {
  /** Coupled decay, PyTorch's `weight_decay` of all but AdamW: `g <- g + l2 * p` before the rule. 0 for none. */
  readonly l2: number;
  /** Decoupled decay (Loshchilov and Hutter 2019): `p <- p - lr * weightDecay * p` beside the rule. 0 for none. */
  readonly weightDecay: number;
}
