import type { GradientFactors } from '../gradient-factors.js';
import { forEachSpan, type Gradient, type SpanVisit } from '../gradient.js';
import type { ParameterLayout } from '../parameters.js';

/** What an optimiser makes a step of. It changes none of it. */
export interface OptimizerStep {
  readonly layout: ParameterLayout;
  readonly parameters: Float32Array;
  /** What it keeps from step to step, an array as long as the parameters for each name in `Optimizer.slots`; zero at first. */
  readonly slots: readonly Float32Array[];
  /** To be multiplied by `factors`. */
  readonly gradient: Gradient;
  readonly factors: GradientFactors;
  readonly learningRate: number;
  /** Steps done before this one, since the slots were zero. */
  readonly updates: number;
}

/** Where an optimiser writes a step: other arrays than it reads, so that readers are not disturbed and a step that overflows can be dropped. */
export interface OptimizerTarget {
  readonly parameters: Float32Array;
  readonly slots: readonly Float32Array[];
  /**
   * The rows of each row-sparse tensor in which `parameters` may differ from those that the step starts from, ids in any order; unknown where undefined. Under a rule that leaves rows
   * without a gradient alone, all other rows are neither read nor written, so that a step takes as long as the rows of its gradient, and not as the vocabulary.
   */
  readonly staleRows?: readonly Uint32Array[] | undefined;
}

/**
 * A rule of descent. A row that a gradient lacks is a row of zeros: it decays, and its slots go on, as in PyTorch with a dense gradient. Numbers
 * are computed in float64 and rounded where they are stored, but by plain descent, which has nothing to accumulate and computes in float32.
 */
export interface Optimizer {
  /** Names of its slots, in the order of the arrays. */
  readonly slots: readonly string[];
  /** Returns whether all that it has computed is finite. */
  step(step: OptimizerStep, into: OptimizerTarget): boolean;
}

/** A rule's pass over a stretch of parameters. Returns whether all that it has computed is finite. */
export type Descent<P> = (...span: Parameters<SpanVisit<P>>) => boolean;

/** A pass over all parameters. Returns whether all that it has computed is finite. */
export function descendAll<P>(step: Pick<OptimizerStep, 'layout' | 'gradient'>, descend: Descent<P>, pass: P): boolean {
  let isFinite = true;
  const visit: SpanVisit<P> = (...span) => { isFinite = descend(...span) && isFinite; };
  forEachSpan(step, visit, pass);
  return isFinite;
}

/** Element `j` of a stretch of a gradient, each product rounded to float32. */
export function elementOf(values: Float32Array | undefined, j: number, { mean, clip }: GradientFactors): number {
  return values === undefined ? 0 : Math.fround(Math.fround(values[j] * mean) * clip);
}

/** What every optimiser can do beside its rule. */
export interface Decay {
  /** Coupled decay, PyTorch's `weight_decay` of all but AdamW: `g <- g + l2 * p` before the rule. 0 for none. */
  readonly l2: number;
  /** Decoupled decay (Loshchilov and Hutter 2019): `p <- p - lr * weightDecay * p` beside the rule. 0 for none. */
  readonly weightDecay: number;
}
