import type { Gradient } from './gradient.js';

/** How large a gradient may be: not bounded, its global norm at most `threshold`, or each of its elements within `[-threshold, threshold]`. */
export type Clip = { readonly kind: 'none' } | { readonly kind: 'norm' | 'value'; readonly threshold: number };

/** Sum of squares of all elements, accumulated in float64 in the order of the representation (absent rows are zeros). */
export function sumOfSquares(gradient: Gradient): number {
  let sum = 0;
  for (const values of arraysOf(gradient)) {
    for (let i = 0; i < values.length; i += 1) sum += values[i] * values[i];
  }
  return sum;
}

/** Multiplies every element by the float32 nearest to `factor`, in place. */
export function scaleGradient(gradient: Gradient, factor: number): void {
  const rounded = Math.fround(factor);
  for (const values of arraysOf(gradient)) {
    for (let i = 0; i < values.length; i += 1) values[i] *= rounded;
  }
}

/** Clips by value, in place: every element to `[-threshold, threshold]`. Returns whether one was beyond. The direction changes with it. */
function clipByValue(gradient: Gradient, threshold: number): boolean {
  const limit = Math.fround(threshold);
  let clipped = false;
  for (const values of arraysOf(gradient)) {
    for (let i = 0; i < values.length; i += 1) {
      if (!(Math.abs(values[i]) > limit)) continue;
      values[i] = values[i] > 0 ? limit : -limit;
      clipped = true;
    }
  }
  return clipped;
}

/**
 * Clips as `clip` says, in place. Returns the global norm before, and whether anything was clipped. By norm: `g <- g * threshold / ||g||` where
 * `||g||` over all parameters exceeds `threshold` (Pascanu, Mikolov and Bengio 2013, Algorithm 1).
 *
 * Whether a threshold means much or little depends on the loss reduction: the same model has larger gradients under `sentenceSum`.
 */
export function clipGradient(gradient: Gradient, clip: Clip): { readonly gradientNorm: number; readonly clipped: boolean } {
  const gradientNorm = Math.sqrt(sumOfSquares(gradient));
  if (clip.kind === 'value') return { gradientNorm, clipped: clipByValue(gradient, clip.threshold) };
  const clipped = clip.kind === 'norm' && gradientNorm > clip.threshold;
  if (clipped) scaleGradient(gradient, clip.threshold / gradientNorm);
  return { gradientNorm, clipped };
}

function arraysOf(gradient: Gradient): Float32Array[] {
  return [gradient.dense, ...gradient.sparse.map(({ values }) => values)];
}
