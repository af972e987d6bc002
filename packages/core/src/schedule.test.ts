import { describe, expect, it } from 'vitest';
import { formatSchedule, learningRateAt, parseSchedule } from './schedule.js';

function rate(text: string, moment: { step?: number; epoch?: number; plateaus?: number }, { learningRate = 8, warmup = 0 } = {}): number {
  return learningRateAt({ learningRate, schedule: parseSchedule(text), warmup }, { step: 0, epoch: 0, plateaus: 0, ...moment });
}

describe('parseSchedule', () => {
  it.each([
    ['constant', { kind: 'constant' }],
    ['plateau:4', { kind: 'plateau', factor: 4 }],
    ['decay:6:0.5', { kind: 'decay', epoch: 6, factor: 0.5 }],
    ['cosine:1000', { kind: 'cosine', steps: 1000, floor: 0 }],
    ['cosine:1000:1e-5', { kind: 'cosine', steps: 1000, floor: 1e-5 }],
  ])('reads %s, also from what formatSchedule writes', (text, schedule) => {
    expect(parseSchedule(text)).toEqual(schedule);
    expect(parseSchedule(formatSchedule(parseSchedule(text)))).toEqual(schedule);
  });

  it.each(['', 'linear', 'constant:1', 'plateau', 'plateau:1', 'plateau:-2', 'plateau:x', 'decay:4', 'decay:1.5:0.5', 'decay:4:0', 'decay:4:2', 'cosine', 'cosine:0', 'cosine:10:-1', 'cosine:10:0:0', 'cosine:10:'])('refuses %j', (text) => {
    expect(() => parseSchedule(text)).toThrow(/^schedule: expected constant, plateau:factor .*, got "/);
  });
});

describe('learningRateAt', () => {
  it('keeps the rate under constant', () => {
    expect(rate('constant', { step: 1e6, epoch: 50, plateaus: 7 })).toBe(8);
  });

  it('divides by the factor for each validation that did not improve under plateau', () => {
    expect([0, 1, 2, 3].map((plateaus) => rate('plateau:2', { plateaus, step: 99 }))).toEqual([8, 4, 2, 1]);
  });

  it('multiplies by the factor for each epoch after the first ones under decay', () => {
    expect([0, 1, 2, 3, 4].map((epoch) => rate('decay:2:0.5', { epoch }))).toEqual([8, 8, 4, 2, 1]);
  });

  it('falls along half a cosine to the floor, and stays there', () => {
    for (let step = 0; step <= 100; step += 1) expect(rate('cosine:100:2', { step })).toBeCloseTo(2 + 3 * (1 + Math.cos((Math.PI * step) / 100)), 13);
    expect(rate('cosine:100:2', { step: 0 })).toBe(8);
    expect(rate('cosine:100:2', { step: 100 })).toBe(2);
    expect(rate('cosine:100:2', { step: 1e9 })).toBe(2);
    expect(rate('cosine:100', { step: 100 })).toBe(0);
  });

  it('rises in a line during warm-up, whatever the schedule', () => {
    expect([0, 1, 2, 3, 4].map((step) => rate('constant', { step }, { warmup: 4 }))).toEqual([2, 4, 6, 8, 8]);
    expect(rate('plateau:2', { step: 1, plateaus: 1 }, { warmup: 4 })).toBe(2);
  });
});
