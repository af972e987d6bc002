import { plainArithmetic, type Arithmetic } from './arithmetic.js';
import { UNSCALED, type GradientFactors } from './gradient-factors.js';
import type { Gradient } from './gradient.js';

/** How large a gradient may be: not bounded, its global norm at most `threshold`, or each of its elements within `[-threshold, threshold]`. */
export type Clip = { readonly kind: 'none' } | { readonly kind: 'norm' | 'value'; readonly threshold: number };

/** The gradient of a step, but for its `factors`. */
export interface ClippedGradient {
  readonly factors: GradientFactors;
  /** Global norm of the mean before clipping; finite exactly where the sum is. */
  readonly gradientNorm: number;
  /** Whether anything was clipped. */
  readonly clipped: boolean;
}

/** Sum of squares of all elements, accumulated in float64: of the dense part, then of each row-sparse tensor (absent rows are zeros). */
export function sumOfSquares({ dense, sparse }: Gradient, arithmetic: Arithmetic = plainArithmetic, ofDense = arithmetic.sumOfSquares(dense)): number {
  return sparse.reduce((sum, { values }) => sum + arithmetic.sumOfSquares(values), ofDense);
}

/** Whether every element is finite. */
export function isFiniteGradient(gradient: Gradient, arithmetic: Arithmetic = plainArithmetic): boolean {
  return arraysOf(gradient).every((values) => arithmetic.areFinite(values));
}

/**
 * The mean `g` of the sum of a batch, and `g` clipped as `clip` says. By norm: `g <- g * threshold / ||g||` where `||g||` over all parameters exceeds
 * `threshold` (Pascanu, Mikolov and Bengio 2013, Algorithm 1). By value: every element to `[-threshold, threshold]`, which changes the direction, and is done in
 * place: the gradient is that of the step then.
 *
 * Whether a threshold means much or little depends on the loss reduction: the same model has larger gradients under `sentenceSum`.
 * @param divisor of the sum, tokens or sequences, at least 1
 * @param denseSquares sum of the squares of the dense part, where it is known
 */
export function clipGradient(sum: Gradient, divisor: number, clip: Clip, arithmetic: Arithmetic = plainArithmetic, denseSquares?: number): ClippedGradient {
  const mean = Math.fround(1 / divisor);
  const gradientNorm = mean * Math.sqrt(sumOfSquares(sum, arithmetic, denseSquares));
  if (clip.kind === 'value') {
    const beyond = arraysOf(sum).map((values) => arithmetic.clamp(values, mean, Math.fround(clip.threshold)));
    return { factors: UNSCALED, gradientNorm, clipped: beyond.includes(true) };
  }
  const clipped = clip.kind === 'norm' && gradientNorm > clip.threshold;
  return { factors: { mean, clip: clipped ? Math.fround(clip.threshold / gradientNorm) : 1 }, gradientNorm, clipped };
}

function arraysOf(gradient: Gradient): Float32Array[] {
  return [gradient.dense, ...gradient.sparse.map(({ values }) => values)];
}
