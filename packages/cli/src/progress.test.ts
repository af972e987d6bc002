import { describe, expect, it } from 'vitest';
import { formatCount, formatDuration, formatPerplexity, PLAIN_LINES_MAX, Progress, progressLine } from './progress.js';

function step(number: number, changes: { trainLoss?: number; clipped?: boolean; gradientNorm?: number } = {}) {
  return {
    event: 'step', step: number, epoch: 0, trainLoss: 5, gradientNorm: 0.5, clipped: false, learningRate: 1, tokens: 100, tokensPerSecond: 12345.6, outcome: 'updated', ...changes,
  } as const;
}

describe('progressLine', () => {
  it('shows step, loss, perplexity, gradient norm, clipped share, speed and time left', () => {
    const progress = new Progress({ step: 0, stepsTotal: 100 });
    progress.after(step(1, { trainLoss: 6, clipped: true }), 2000);
    const view = progress.after(step(2, { trainLoss: 4 }), 3000);
    expect(progressLine(view)).toBe('step 2/100 (2%)  loss 5.0000  perplexity 148.41  |g| 0.500  clipped 50%  12,346 tokens/s  1m 38s left');
  });

  it('leaves a loss that is not a number out of the mean and says so of the gradient', () => {
    const progress = new Progress({ step: 0, stepsTotal: 10 });
    expect(progressLine(progress.after(step(1, { trainLoss: NaN, gradientNorm: NaN }), 10))).toContain('loss none  perplexity none  |g| not finite');
    expect(progress.after(step(2, { trainLoss: 3 }), 20).loss).toBe(3);
  });

  it('forgets losses of long ago', () => {
    const progress = new Progress({ step: 0, stepsTotal: 1000 });
    progress.after(step(1, { trainLoss: 1e6 }), 1);
    for (let i = 2; i < 101; i += 1) progress.after(step(i, { trainLoss: 2 }), i);
    expect(progress.after(step(101, { trainLoss: 2 }), 101).loss).toBe(2);
  });

  it('counts time and shares from where a run was resumed', () => {
    const progress = new Progress({ step: 90, stepsTotal: 100 });
    expect(progress.after(step(91, { clipped: true }), 2000)).toMatchObject({ clippedShare: 1, secondsLeft: undefined });
    expect(progress.after(step(92), 4000)).toMatchObject({ clippedShare: 0.5, secondsLeft: 16 });
  });
});

describe('the speed shown', () => {
  it('is that of the last steps together, without the wait before the first', () => {
    const progress = new Progress({ step: 0, stepsTotal: 4 });
    expect(progress.after({ ...step(1), tokens: 100, tokensPerSecond: 3 }, 1000).tokensPerSecond).toBe(3);
    progress.after({ ...step(2), tokens: 100, tokensPerSecond: 100 }, 2000);
    expect(progress.after({ ...step(3), tokens: 300, tokensPerSecond: 300 }, 3000).tokensPerSecond).toBe(200);
    expect(progress.after({ ...step(4), tokens: 0, tokensPerSecond: NaN }, 4000).tokensPerSecond).toBe(200);
  });
});

describe('isPlainStep', () => {
  it.each([1, 7, 20, 21, 999, 1000, 12345])('gives a run of %i steps at most the named number of lines, and always the last', (stepsTotal) => {
    const progress = new Progress({ step: 0, stepsTotal });
    const shown = Array.from({ length: stepsTotal }, (_, i) => i + 1).filter((number) => progress.isPlainStep(number));
    expect(shown.length).toBeLessThanOrEqual(PLAIN_LINES_MAX);
    expect(shown.length).toBeGreaterThanOrEqual(Math.min(stepsTotal, PLAIN_LINES_MAX / 2));
    expect(shown.at(-1)).toBe(stepsTotal);
  });
});

describe('formats', () => {
  it('write durations, counts and perplexities for people', () => {
    expect([0, 59.6, 61, 3600, 7384].map(formatDuration)).toEqual(['0s', '1m 00s', '1m 01s', '1h 00m', '2h 03m']);
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([1, 8, 50, NaN, 1e9].map(formatPerplexity)).toEqual(['2.72', '2981', '5.18e+21', 'none', 'none']);
  });
});
