import type { Gradient } from './gradient.js';

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

/**
 * Clips by global norm, in place: `g <- g * threshold / ||g||` where `||g||` over all parameters exceeds `threshold`
 * (Pascanu, Mikolov and Bengio 2013, Algorithm 1). Returns the norm before clipping.
 *
 * Whether a threshold means much or little depends on the loss reduction: the same model has larger gradients under `sentenceSum`.
 */
export function clipByGlobalNorm(gradient: Gradient, threshold: number): number {
  const norm = Math.sqrt(sumOfSquares(gradient));
  if (norm > threshold) scaleGradient(gradient, threshold / norm);
  return norm;
}

function arraysOf(gradient: Gradient): Float32Array[] {
  return [gradient.dense, ...gradient.sparse.map(({ values }) => values)];
}
