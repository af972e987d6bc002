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
 */
export function spectralRadius(matrix: FloatArray, n: number): number {
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
    if (Math.abs(radius - before) <= RADIUS_TOLERANCE * radius) return radius;
    power = multiplySquare(power, power, n);
    share /= 2;
  }
  return radius;
}

/**
 * Largest singular value of a linear map by the power method on `A^T A`. The error is second order in that of the vector, so that
 * singular values close to the largest cost iterations but no accuracy.
 * @param apply `A x`, a new array
 * @param applyTransposed `A^T y`, a new array
 * @param start any vector that is not orthogonal to the leading one: a random one
 */
export function largestSingularValue(
  apply: (x: Float64Array) => Float64Array, applyTransposed: (y: Float64Array) => Float64Array, start: Float64Array,
): number {
  let x = start;
  let value = 0;
  for (let iteration = 0; iteration < NORM_ITERATIONS_MAX; iteration += 1) {
    const length = frobeniusNorm(x);
    if (length === 0) return 0;
    const y = apply(x.map((element) => element / length));
    const before = value;
    value = frobeniusNorm(y);
    if (!Number.isFinite(value)) return NaN;
    if (Math.abs(value - before) <= NORM_TOLERANCE * value) return value;
    x = applyTransposed(y);
  }
  return value;
}

/** `||A||_2` of `matrix` `[rows, columns]`. */
export function spectralNorm(matrix: FloatArray, rows: number, columns: number): number {
  assert(matrix.length === rows * columns, () => `spectralNorm: expected ${String(rows * columns)} elements, got ${String(matrix.length)}`);
  const apply = (x: Float64Array): Float64Array => Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < columns; j += 1) sum += matrix[i * columns + j] * x[j];
    return sum;
  });
  const applyTransposed = (y: Float64Array): Float64Array => {
    const sums = new Float64Array(columns);
    for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) sums[j] += matrix[i * columns + j] * y[i];
    return sums;
  };
  // Of different irrational lengths in every direction, so that it is orthogonal to nothing that a person writes down.
  const start = Float64Array.from({ length: columns }, (_, j) => 1 + Math.sqrt(j + 2) - Math.floor(Math.sqrt(j + 2)));
  return largestSingularValue(apply, applyTransposed, start);
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
    for (let k = 0; k < n; k += 1) {
      const factor = a[i * n + k];
      if (factor === 0) continue;
      for (let j = 0; j < n; j += 1) row[j] += factor * b[k * n + j];
    }
  }
  return product;
}
