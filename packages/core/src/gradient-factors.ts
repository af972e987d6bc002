/**
 * What makes the gradient of a step out of the sum of a batch: every element times `mean`, rounded to float32, then times `clip`, rounded again. Both are float32.
 * Whoever makes the step multiplies, so that no pass over the gradient does nothing else.
 */
export interface GradientFactors {
  readonly mean: number;
  readonly clip: number;
}

/** The gradient as it stands. */
export const UNSCALED: GradientFactors = { mean: 1, clip: 1 };
