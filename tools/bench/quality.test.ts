import { describe, expect, it } from 'vitest';
import { QualityClock, TrainingClock } from './quality-clock.js';
import { qualityText } from './quality-report.js';

describe('the clock of a training', () => {
  it('counts steps, and neither what comes before them nor validations', () => {
    const clock = new TrainingClock();
    clock.see({ event: 'started' }, 0);
    clock.see({ event: 'worker-joined' }, 1_000);
    clock.see({ event: 'step', tokens: 10 }, 1_500);
    clock.see({ event: 'step', tokens: 10 }, 2_000);
    clock.see({ event: 'validation' }, 9_000);
    clock.see({ event: 'step', tokens: 10 }, 9_250);
    expect([clock.seconds, clock.tokens]).toEqual([1.25, 30]);
  });

  it('tells when each perplexity was reached, and the lowest', () => {
    const clock = new QualityClock([200, 150]);
    const validated = (step: number, perplexity: number): void => { clock.validated({ step, trainSeconds: step / 10, tokens: step * 5, validLoss: Math.log(perplexity) }); };
    validated(10, 300);
    validated(20, 180);
    expect(clock.isDone()).toBe(false);
    validated(30, 190);
    expect(clock.result('a', 'x')).toMatchObject({
      targets: [{ target: 200, reached: { steps: 20, trainSeconds: 2 } }, { target: 150, reached: null }], best: { steps: 20 }, tokensPerSecond: 50,
    });
    validated(40, 149);
    expect(clock.isDone()).toBe(true);
    const text = qualityText([clock.result('a', 'x'), new QualityClock([200, 150]).result('b', 'y'), { name: 'c', skipped: 'not here' }], [200, 150]);
    expect(text.split('\n')).toEqual([
      '   s to 200  s to 150  best  s  steps  tokens/s  executes',
      'a         2         4   149  4     40        50  x',
      'b         -         -     -  -      -       NaN  y',
      'c         -         -     -  -      -         -  skipped: not here',
    ]);
  });
});
