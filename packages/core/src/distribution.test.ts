import { describe, expect, it } from 'vitest';
import { distributionOf } from './distribution.js';

describe('distributionOf', () => {
  it('tells mean, median, percentiles between two values, and the largest', () => {
    expect(distributionOf([4, 1, 2, 3, 0, 5, 6, 7, 8, 9, 20])).toEqual({ mean: 65 / 11, median: 5, p10: 1, p90: 9, max: 20, count: 11 });
    expect(distributionOf([3, 1])).toMatchObject({ median: 2, p90: 2.8 });
    expect(distributionOf([7])).toEqual({ mean: 7, median: 7, p10: 7, p90: 7, max: 7, count: 1 });
  });

  it('tells nothing of no numbers', () => {
    expect(distributionOf([])).toBeUndefined();
  });

  it('hides no number that is not finite', () => {
    expect(distributionOf([NaN, 1, 2])).toMatchObject({ mean: NaN, median: 2, max: NaN });
    expect(distributionOf([Infinity, 1, 2])).toMatchObject({ mean: Infinity, median: 2, max: Infinity });
  });
});
