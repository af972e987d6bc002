import { describe, expect, it } from 'vitest';
import { spectralNorm, spectralRadius } from './spectral.js';
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
