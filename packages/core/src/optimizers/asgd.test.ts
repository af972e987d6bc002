import { describe, expect, it } from 'vitest';
import { afterLoss, averageIterate, UNTRIGGERED } from './asgd.js';

/** After which validations, counted from 0, the trigger fires. */
function firings(losses: readonly number[], nonmono: number): number[] {
  let trigger = UNTRIGGERED;
  return losses.flatMap((loss, i) => {
    const next = afterLoss(trigger, loss, nonmono);
    trigger = next.trigger;
    return next.fires ? [i] : [];
  });
}

/** The condition as the paper states it, over the list of all losses. */
function statedFirings(losses: readonly number[], nonmono: number): number[] {
  return losses.flatMap((loss, i) => (i > nonmono && loss > Math.min(...losses.slice(0, i - nonmono)) ? [i] : []));
}

describe('the non-monotone trigger', () => {
  it('fires when a loss is above the best of all but the last ones', () => {
    expect(firings([5, 4, 3, 2, 1], 2)).toEqual([]);
    expect(firings([5, 6, 7, 6], 2)).toEqual([3]);
    expect(firings([5, 4, 3, 3.5, 3.4, 3.1], 2)).toEqual([5]);
  });

  it('does what the paper states for any losses', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const losses = Array.from({ length: 12 }, (_, i) => Math.sin(seed * 7.3 + i * i) - i * 0.1);
      for (const nonmono of [1, 3, 5]) expect(firings(losses, nonmono)).toEqual(statedFirings(losses, nonmono));
    }
  });

  it('takes a loss that is not finite for the worst', () => {
    expect(firings([5, 4, NaN], 1)).toEqual([2]);
    expect(firings([NaN, Infinity, 4, 3], 1)).toEqual([]);
  });

  it('survives being written as JSON', () => {
    const { trigger } = afterLoss(afterLoss(UNTRIGGERED, NaN, 2).trigger, 3, 2);
    expect(JSON.parse(JSON.stringify(trigger))).toEqual(trigger);
    expect(trigger).toEqual({ recent: [null, 3], olderBest: null });
  });
});

describe('averageIterate', () => {
  it('is the mean of all iterates, the first one exactly, whatever was there before', () => {
    const average = Float32Array.of(1e30, NaN);
    averageIterate(average, Float32Array.of(1, 0.1), 0);
    expect(average).toEqual(Float32Array.of(1, 0.1));
    averageIterate(average, Float32Array.of(2, 0.1), 1);
    averageIterate(average, Float32Array.of(6, 0.1), 2);
    expect(average[0]).toBeCloseTo(3, 6);
    expect(average[1]).toBe(Math.fround(0.1));
  });
});
