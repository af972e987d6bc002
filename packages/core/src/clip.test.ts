import { describe, expect, it } from 'vitest';
import { clipByGlobalNorm, scaleGradient, sumOfSquares } from './clip.js';
import type { Gradient } from './gradient.js';

const gradient = (): Gradient => ({ dense: Float32Array.of(3, 0), sparse: [{ rows: Uint32Array.of(5), values: Float32Array.of(0, -4) }] });

describe('clipByGlobalNorm', () => {
  it('takes one norm over dense and row-sparse parts together', () => {
    expect(sumOfSquares(gradient())).toBe(25);
  });

  it('scales to the threshold where the norm is above it, and returns the norm before', () => {
    const g = gradient();
    expect(clipByGlobalNorm(g, 2.5)).toBe(5);
    expect([...g.dense, ...g.sparse[0].values]).toEqual([1.5, 0, 0, -2]);
  });

  it('changes nothing at or below the threshold', () => {
    const g = gradient();
    expect(clipByGlobalNorm(g, 5)).toBe(5);
    expect(g).toEqual(gradient());
  });

  it('accumulates squares in float64, so that small elements are not lost beside large ones', () => {
    const dense = new Float32Array(1_000_001).fill(1e-2);
    dense[0] = 1e4;
    expect(sumOfSquares({ dense, sparse: [] })).toBeCloseTo(1e8 + 100, 1);
  });

  it('rounds the factor to float32 before it multiplies', () => {
    const g: Gradient = { dense: Float32Array.of(3), sparse: [] };
    scaleGradient(g, 0.1);
    expect(g.dense[0]).toBe(Math.fround(3 * Math.fround(0.1)));
  });
});
