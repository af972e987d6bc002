import { describe, expect, it } from 'vitest';
import { afterValidation, UNVALIDATED, type ValidationVerdict } from './validation.js';

function verdicts(losses: readonly number[], nonmono?: number): ValidationVerdict[] {
  let state = UNVALIDATED;
  return losses.map((loss) => {
    const verdict = afterValidation(state, loss, nonmono);
    state = verdict.state;
    return verdict;
  });
}

describe('afterValidation', () => {
  it('keeps the best loss and counts how long ago it was', () => {
    const all = verdicts([5, 4, 4, 4.5, 3, NaN, Infinity]);
    expect(all.map(({ improved }) => improved)).toEqual([true, true, false, false, true, false, false]);
    expect(all.map(({ state }) => state.sinceBest)).toEqual([0, 0, 1, 2, 0, 1, 2]);
    expect(all.map(({ state }) => state.plateaus)).toEqual([0, 0, 1, 2, 2, 3, 4]);
    expect(all.at(-1)?.state.bestLoss).toBe(3);
  });

  it('has no best loss before the first finite one', () => {
    expect(verdicts([NaN])[0]).toMatchObject({ improved: false, state: { bestLoss: null, sinceBest: 1 } });
  });

  it('fires the trigger of averaging only where one is asked for', () => {
    expect(verdicts([5, 6, 7], 1).map(({ fires }) => fires)).toEqual([false, false, true]);
    expect(verdicts([5, 6, 7]).some(({ fires }) => fires)).toBe(false);
  });
});
