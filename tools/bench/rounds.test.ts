import { describe, expect, it } from 'vitest';
import type { Contender } from './contender.js';
import { median, plainRounds, runRounds } from './rounds.js';

/** A contender that says that its steps took these times, again and again, and notes each in `log`. */
function scripted(name: string, log: string[], timesMs: readonly number[]): Contender {
  let steps = 0;
  return {
    name,
    executes: 'nothing',
    pids: [],
    step: () => {
      log.push(name);
      steps += 1;
      return Promise.resolve(timesMs[(steps - 1) % timesMs.length]);
    },
    close: () => Promise.resolve(),
  };
}

describe('rounds', () => {
  it('let contenders work in turn, each round begun by another', async () => {
    const log: string[] = [];
    await runRounds([scripted('a', log, [400]), scripted('b', log, [400]), scripted('c', log, [400])], plainRounds(3));
    // Two steps each to warm up and to see how long a step is, then one a round.
    expect(log.join('')).toBe('aabbcc' + 'abc' + 'bca' + 'cab');
  });

  it('repeat a quick contender within a round and take the mean', async () => {
    const log: string[] = [];
    const [timing] = await runRounds([scripted('a', log, [...Array<number>(11).fill(50), 40, 60, 40, 60])], plainRounds(1));
    // One step to see how long it is, ten to warm up, four a round.
    expect(log).toHaveLength(1 + 10 + 4);
    expect(timing).toMatchObject({ samplesMs: [50] });
  });

  it('let one drop out whose rounds would take too long', async () => {
    const log: string[] = [];
    const timings = await runRounds([scripted('slow', log, [40_000]), scripted('b', log, [300])], plainRounds(3));
    expect(timings[0]).toEqual({ firstStepMs: 40_000 });
    expect(log.join(' ')).toBe('slow b b b b b b');
  });

  it('warm a contender up once where a step is long', async () => {
    const log: string[] = [];
    await runRounds([scripted('a', log, [3_000])], plainRounds(2));
    expect(log.join('')).toBe('aaa');
  });

  it('give the median of all rounds, warm-up left out', async () => {
    const [timing] = await runRounds([scripted('a', [], [1_900, 300, 300, 400, 500, 200, 100, 300])], plainRounds(5));
    expect(timing).toEqual({ samplesMs: [400, 500, 200, 100, 300], medianMs: 300, totalMs: 4_000 });
  });
});

describe('the median', () => {
  it('is the middle value, or between the two in the middle', () => {
    expect(median([3])).toBe(3);
    expect(median([10, 1, 2])).toBe(2);
    expect(median([10, 1, 2, 4])).toBe(3);
    expect(median([])).toBeNaN();
  });
});
