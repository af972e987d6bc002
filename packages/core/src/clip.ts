import { plainArithmetic, type Arithmetic } from './arithmetic.js';
import type { Gradient } from './gradient.js';

/** How large a gradient may be: not bounded, its global norm at most `threshold`, or each of its elements within `[-threshold, threshold]`. */
export type Clip = { readonly kind: 'none' } | { readonly kind: 'norm' | 'value'; readonly threshold: number };

/** Sum of squares of all elements, accumulated in float64: of the dense part, then of each row-sparse tensor (absent rows are zeros). */
export function sumOfSquares(gradient: Gradient, arithmetic: Arithmetic = plainArithmetic): number {
  let sum = 0;
  for (const values of arraysOf(gradient)) sum += arithmetic.sumOfSquares(values);
  return sum;
}

/** Multiplies every element by the float32 nearest to `factor`, in place. */
export function scaleGradient(gradient: Gradient, factor: number, arithmetic: Arithmetic = plainArithmetic): void {
  for (const values of arraysOf(gradient)) arithmetic.scale(values, Math.fround(factor));
}

/** Whether every element is finite. */
export function isFiniteGradient(gradient: Gradient, arithmetic: Arithmetic = plainArithmetic): boolean {
  return arraysOf(gradient).every((values) => arithmetic.areFinite(values));
}

/**
 * Clips as `clip` says, in place. Returns the global norm before, and whether anything was clipped. By norm: `g <- g * threshold / ||g||` where
 * `||g||` over all parameters exceeds `threshold` (Pascanu, Mikolov and Bengio 2013, Algorithm 1). By value: every element to `[-threshold, threshold]`,
 * which changes the direction.
 *
 * Whether a threshold means much or little depends on the loss reduction: the same model has larger gradients under `sentenceSum`.
 */
export function clipGradient(gradient: Gradient, clip: Clip, arithmetic: Arithmetic = plainArithmetic): { readonly gradientNorm: number; readonly clipped: boolean } {
  const gradientNorm = Math.sqrt(sumOfSquares(gradient, arithmetic));
  if (clip.kind === 'value') {
    const beyond = arraysOf(gradient).map((values) => arithmetic.clamp(values, Math.fround(clip.threshold)));
    return { gradientNorm, clipped: beyond.includes(true) };
  }
  const clipped = clip.kind === 'norm' && gradientNorm > clip.threshold;
  if (clipped) scaleGradient(gradient, clip.threshold / gradientNorm, arithmetic);
  return { gradientNorm, clipped };
}

function arraysOf(gradient: Gradient): Float32Array[] {
  return [gradient.dense, ...gradient.sparse.map(({ values }) => values)];
}
