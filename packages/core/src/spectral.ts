import { assert } from './errors.js';
import type { FloatArray } from './shape.js';

/** Squarings after which the radius is taken as it is: then its error is below rounding for any matrix that is not nilpotent. */
const SQUARINGS_MAX = 40;
const RADIUS_TOLERANCE = 1e-11;
const NORM_ITERATIONS_MAX = 10_000;
const NORM_TOLERANCE = 1e-14;

/**
 * Largest absolute eigenvalue of `matrix` `[n, n]`, by Gelfand's formula `rho(A) = lim ||A^k||^(1/k)` for `k = 2, 4, 8, ...`: unlike
 * the power method it needs no dominant eigenvalue, and recurrent matrices have complex pairs. Work `O(n^3)` for each of some 30 squarings.
 * @param tolerance largest relative change by the last squaring, which is about the error that is left: each squaring halves it. Default 1e-11
 */
export function spectralRadius(matrix: FloatArray, n: number, tolerance = RADIUS_TOLERANCE): number {
  assert(matrix.length === n * n, () => `spectralRadius: expected ${String(n * n)} elements, got ${String(matrix.length)}`);
  let power: Float64Array = Float64Array.from(matrix);
  /** `log ||A^k||` less that of the scaled `power`, over `k`. */
  let logScale = 0;
  let share = 1;
  let radius = 0;
  for (let squaring = 0; squaring < SQUARINGS_MAX; squaring += 1) {
    const norm = frobeniusNorm(power);
    if (norm === 0 || !Number.isFinite(norm)) return norm === 0 ? 0 : NaN;
    for (let i = 0; i < power.length; i += 1) power[i] /= norm;
    logScale += share * Math.log(norm);
    const before = radius;
    radius = Math.exp(logScale);
    if (Math.abs(radius - before) <= tolerance * radius) return radius;
    power = multiplySquare(power, power, n);
    share /= 2;
  }
  return radius;
}

/**
 * Largest singular value `||A||_2` of `matrix` `[rows, columns]`, by the power method on `A^T A`. The error is second order in that of the
 * vector, so that singular values close to the largest cost iterations but no accuracy.
 */
export function spectralNorm(matrix: FloatArray, rows: number, columns: number): number {
  assert(matrix.length === rows * columns, () => `spectralNorm: expected ${String(rows * columns)} elements, got ${String(matrix.length)}`);
  // Of different irrational lengths in every direction, so that it is orthogonal to nothing that a person writes down.
  const x = Float64Array.from({ length: columns }, (_, j) => 1 + Math.sqrt(j + 2) - Math.floor(Math.sqrt(j + 2)));
  const y = new Float64Array(rows);
  let value = 0;
  for (let iteration = 0; iteration < NORM_ITERATIONS_MAX; iteration += 1) {
    const length = frobeniusNorm(x);
    if (length === 0) return 0;
    for (let j = 0; j < columns; j += 1) x[j] /= length;
    multiplyVector(matrix, x, y);
    const before = value;
    value = frobeniusNorm(y);
    if (!Number.isFinite(value)) return NaN;
    if (Math.abs(value - before) <= NORM_TOLERANCE * value) return value;
    multiplyTransposed(matrix, y, x);
  }
  return value;
}

/** Writes `y = A x`, for `A` `[y.length, x.length]`. */
function multiplyVector(matrix: FloatArray, x: Float64Array, y: Float64Array): void {
  const columns = x.length;
  for (let i = 0; i < y.length; i += 1) {
    let sum = 0;
    for (let j = 0; j < columns; j += 1) sum += matrix[i * columns + j] * x[j];
    y[i] = sum;
  }
}

/** Writes `x = A^T y`, for `A` `[y.length, x.length]`. */
export function multiplyTransposed(matrix: FloatArray, y: FloatArray, x: Float64Array): void {
  const columns = x.length;
  x.fill(0);
  for (let i = 0; i < y.length; i += 1) {
    const factor = y[i];
    for (let j = 0; j < columns; j += 1) x[j] += matrix[i * columns + j] * factor;
  }
}

/** Square root of the sum of squares. */
export function frobeniusNorm(values: FloatArray): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i] * values[i];
  return Math.sqrt(sum);
}

/** `[n, n] = a b`, in float64. */
export function multiplySquare(a: FloatArray, b: FloatArray, n: number): Float64Array {
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1) {
    const row = product.subarray(i * n, (i + 1) * n);
    // Four terms at a time, in the same order as one at a time, so that a row of the product is read and written a quarter as often.
    let k = 0;
    for (; k + 4 <= n; k += 4) {
      const [a0, a1, a2, a3] = [a[i * n + k], a[i * n + k + 1], a[i * n + k + 2], a[i * n + k + 3]];
      const [b0, b1, b2, b3] = [k * n, (k + 1) * n, (k + 2) * n, (k + 3) * n];
      for (let j = 0; j < n; j += 1) row[j] = row[j] + a0 * b[b0 + j] + a1 * b[b1 + j] + a2 * b[b2 + j] + a3 * b[b3 + j];
    }
    for (; k < n; k += 1) for (let j = 0; j < n; j += 1) row[j] += a[i * n + k] * b[k * n + j];
  }
  return product;
}
