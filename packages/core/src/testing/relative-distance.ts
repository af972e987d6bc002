import type { FloatArray } from '../shape.js';

/** `||a - b|| / ||b||`; the norm of `a` where `b` is zero. NaN where either holds one. */
export function relativeDistance(a: FloatArray, b: FloatArray): number {
  let distance = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i += 1) {
    distance += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return norm === 0 ? Math.sqrt(distance) : Math.sqrt(distance / norm);
}
