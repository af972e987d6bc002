import { describe, expect, it } from 'vitest';
import { multiplySquare, spectralNorm, spectralRadius } from './spectral.js';
import { randomValues } from './testing/index.js';

describe('spectralRadius', () => {
  it.each([
    ['a diagonal', [2, 0, 0, -3], 3],
    ['a rotation by a quarter, whose eigenvalues are a complex pair, times 1.7', [0, -1.7, 1.7, 0], 1.7],
    ['a shear, whose norm is larger', [0.5, 10, 0, 0.5], 0.5],
    ['a nilpotent matrix', [0, 1, 0, 0], 0],
    ['zero', [0, 0, 0, 0], 0],
  ])('of %s', (_, matrix, radius) => {
    expect(spectralRadius(Float64Array.from(matrix), 2)).toBeCloseTo(radius, 9);
  });

  it('lies between the absolute value of the mean eigenvalue and the norm', () => {
    const matrix = randomValues(900, 4);
    const trace = Array.from({ length: 30 }, (_, i) => matrix[i * 31]).reduce((sum, x) => sum + x, 0);
    expect(spectralRadius(matrix, 30)).toBeGreaterThan(Math.abs(trace) / 30);
    expect(spectralRadius(matrix, 30)).toBeLessThan(spectralNorm(matrix, 30, 30));
  });

  it('is as exact as the tolerance asks', () => {
    const matrix = randomValues(900, 4);
    const [exact, near] = [spectralRadius(matrix, 30), spectralRadius(matrix, 30, 1e-4)];
    expect(near).not.toBe(exact);
    expect(Math.abs(near / exact - 1)).toBeLessThan(2e-4);
  });

  it('is NaN where an element is not a number', () => {
    expect(spectralRadius(Float64Array.of(1, NaN, 0, 1), 2)).toBeNaN();
  });
});

describe('spectralNorm', () => {
  it.each([
    ['a diagonal', [2, 0, 0, -3], 2, 2, 3],
    ['a shear', [1, 1, 0, 1], 2, 2, (1 + Math.sqrt(5)) / 2],
    ['a row', [3, 4], 1, 2, 5],
    ['a column', [3, 4], 2, 1, 5],
    ['zero', [0, 0, 0, 0], 2, 2, 0],
  ])('of %s', (_, matrix, rows, columns, norm) => {
    expect(spectralNorm(Float64Array.from(matrix), rows, columns)).toBeCloseTo(norm, 9);
  });
});

describe('multiplySquare', () => {
  it.each([1, 3, 4, 7])('has the bits of sums from first to last, for n = %i', (n) => {
    const [a, b] = [randomValues(n * n, 1), randomValues(n * n, 2)];
    const product = Array.from({ length: n * n }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < n; k += 1) sum += a[Math.floor(at / n) * n + k] * b[k * n + (at % n)];
      return sum;
    });
    expect(Array.from(multiplySquare(a, b, n))).toEqual(product);
  });
});
