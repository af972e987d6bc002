import type { FloatArray } from './shape.js';

/** Whether every number is finite. `0 * x` is zero for finite `x` and NaN otherwise, which spares a branch a number. */
export function areFinite(values: FloatArray): boolean {
  let zero = 0;
  for (let i = 0; i < values.length; i += 1) zero += 0 * values[i];
  return zero === 0;
}
