import { describe, expect, it } from 'vitest';
import { afterValidation, startSchedule } from './schedule.js';

describe('afterValidation', () => {
  it('keeps the learning rate under constant', () => {
    const state = [5, 6, NaN].reduce((s, loss) => afterValidation('constant', s, loss), startSchedule(0.1));
    expect(state).toEqual({ learningRate: 0.1, bestLoss: 5 });
  });

  it('halves under halve-on-plateau whenever the loss did not go below the best', () => {
    const rates: number[] = [];
    let state = startSchedule(8);
    for (const loss of [5, 4, 4, 4.5, 3, NaN, Infinity]) {
      state = afterValidation('halve-on-plateau', state, loss);
      rates.push(state.learningRate);
    }
    expect(rates).toEqual([8, 8, 4, 2, 2, 1, 0.5]);
    expect(state.bestLoss).toBe(3);
  });
});
