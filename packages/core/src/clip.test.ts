import { describe, expect, it } from 'vitest';
import { plainArithmetic } from './arithmetic.js';
import { clipGradient, sumOfSquares } from './clip.js';
import type { Gradient } from './gradient.js';

const gradient = (): Gradient => ({ dense: Float32Array.of(3, 0), sparse: [{ rows: Uint32Array.of(5), values: Float32Array.of(0, -4) }] });

describe('clipGradient', () => {
  it('takes one norm over dense and row-sparse parts together', () => {
    expect(sumOfSquares(gradient())).toBe(25);
  });

  it('scales to the threshold where the norm of the mean is above it, and returns the norm before', () => {
    const sum = gradient();
    expect(clipGradient(sum, 1, { kind: 'norm', threshold: 2.5 })).toEqual({ factors: { mean: 1, clip: 0.5 }, gradientNorm: 5, clipped: true });
    expect(clipGradient(sum, 2, { kind: 'norm', threshold: 1 })).toEqual({ factors: { mean: 0.5, clip: Math.fround(0.4) }, gradientNorm: 2.5, clipped: true });
    expect(sum).toEqual(gradient());
  });

  it('changes nothing at or below the threshold', () => {
    const sum = gradient();
    const mean = { factors: { mean: 0.5, clip: 1 }, gradientNorm: 2.5, clipped: false };
    expect(clipGradient(sum, 2, { kind: 'norm', threshold: 2.5 })).toEqual(mean);
    expect(clipGradient(sum, 2, { kind: 'none' })).toEqual(mean);
    expect(sum).toEqual(gradient());
    expect(clipGradient(sum, 1, { kind: 'value', threshold: 4 })).toEqual({ factors: { mean: 1, clip: 1 }, gradientNorm: 5, clipped: false });
    expect(sum).toEqual(gradient());
  });

  it('bounds every element of the mean by value, in dense and row-sparse parts', () => {
    const sum = gradient();
    expect(clipGradient(sum, 0.5, { kind: 'value', threshold: 7 })).toEqual({ factors: { mean: 1, clip: 1 }, gradientNorm: 10, clipped: true });
    expect([...sum.dense, ...sum.sparse[0].values]).toEqual([6, 0, 0, -7]);
  });

  it('accumulates squares in float64, so that small elements are not lost beside large ones', () => {
    const dense = new Float32Array(1_000_001).fill(1e-2);
    dense[0] = 1e4;
    expect(sumOfSquares({ dense, sparse: [] })).toBeCloseTo(1e8 + 100, 1);
  });

  it('rounds the mean to float32, and takes the norm of the sum before it multiplies', () => {
    const sum: Gradient = { dense: Float32Array.of(3), sparse: [] };
    const mean = Math.fround(0.1);
    expect(clipGradient(sum, 10, { kind: 'none' })).toEqual({ factors: { mean, clip: 1 }, gradientNorm: 3 * mean, clipped: false });
  });

  it('takes the squares of the dense part as they are given', () => {
    expect(clipGradient(gradient(), 2, { kind: 'none' }, plainArithmetic, 9)).toEqual(clipGradient(gradient(), 2, { kind: 'none' }));
    expect(clipGradient(gradient(), 1, { kind: 'none' }, plainArithmetic, 20).gradientNorm).toBe(6);
  });

  it('has a norm that is not finite where the sum is not', () => {
    expect(clipGradient({ dense: Float32Array.of(1, Infinity), sparse: [] }, 1, { kind: 'none' }).gradientNorm).toBe(Infinity);
    expect(clipGradient({ dense: Float32Array.of(3e38, 3e38), sparse: [] }, 1, { kind: 'none' }).gradientNorm).toBeCloseTo(Math.SQRT2 * 3e38, -33);
  });
});
