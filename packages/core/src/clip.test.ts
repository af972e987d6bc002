import { describe, expect, it } from 'vitest';
import { clipGradient, scaleGradient, sumOfSquares } from './clip.js';
import type { Gradient } from './gradient.js';

const gradient = (): Gradient => ({ dense: Float32Array.of(3, 0), sparse: [{ rows: Uint32Array.of(5), values: Float32Array.of(0, -4) }] });

describe('clipGradient', () => {
  it('takes one norm over dense and row-sparse parts together', () => {
    expect(sumOfSquares(gradient())).toBe(25);
  });

  it('scales to the threshold where the norm is above it, and returns the norm before', () => {
    const g = gradient();
    expect(clipGradient(g, { kind: 'norm', threshold: 2.5 })).toEqual({ gradientNorm: 5, clipped: true });
    expect([...g.dense, ...g.sparse[0].values]).toEqual([1.5, 0, 0, -2]);
  });

  it('changes nothing at or below the threshold', () => {
    const g = gradient();
    expect(clipGradient(g, { kind: 'norm', threshold: 5 })).toEqual({ gradientNorm: 5, clipped: false });
    expect(clipGradient(g, { kind: 'none' })).toEqual({ gradientNorm: 5, clipped: false });
    expect(clipGradient(g, { kind: 'value', threshold: 4 })).toEqual({ gradientNorm: 5, clipped: false });
    expect(g).toEqual(gradient());
  });

  it('bounds every element by value, in dense and row-sparse parts', () => {
    const g = gradient();
    expect(clipGradient(g, { kind: 'value', threshold: 2 })).toEqual({ gradientNorm: 5, clipped: true });
    expect([...g.dense, ...g.sparse[0].values]).toEqual([2, 0, 0, -2]);
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
