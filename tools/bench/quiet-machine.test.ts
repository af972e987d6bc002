import { describe, expect, it } from 'vitest';
import type { Contender } from './contender.js';
import { QuietMachine } from './quiet-machine.js';

/** A probe that takes these times, then its last one for ever. */
function probe(timesMs: readonly number[]): Contender {
  let steps = 0;
  return {
    name: 'probe', executes: 'nothing', pids: [], close: () => Promise.resolve(),
    step: () => {
      steps += 1;
      return Promise.resolve(timesMs[Math.min(steps, timesMs.length) - 1]);
    },
  };
}

/** Makes turns that return their number. */
async function turnsOf(machine: QuietMachine, count: number, cores = 1): Promise<number[]> {
  let made = 0;
  const results: number[] = [];
  const { make } = machine.rounds(count, cores);
  for (let i = 0; i < count; i += 1) results.push(await make(() => Promise.resolve(made += 1)));
  return results;
}

describe('a quiet machine', () => {
  it('makes each turn once', async () => {
    const machine = new QuietMachine([probe([10, 10.5]), probe([10])], 1e6);
    expect(await turnsOf(machine, 3, 2)).toEqual([1, 2, 3]);
    expect(machine.disturbance).toEqual({ waitedMs: 0, repeated: 0, disturbed: 0, turns: 3 });
  });

  it('is waited for, whichever core is slowed', async () => {
    const machine = new QuietMachine([probe([10, 10, 20, 20, 10]), probe([10, 10, 10, 10, 15, 10])], 1e6);
    // The first two probes are those of the first turn.
    expect(await turnsOf(machine, 2, 2)).toEqual([1, 2]);
    expect(machine.disturbance).toMatchObject({ repeated: 0, disturbed: 0, turns: 2 });
    expect(machine.disturbance.waitedMs).toBeGreaterThan(500);
  });

  it('looks at no more cores than a turn keeps busy', async () => {
    const machine = new QuietMachine([probe([10]), probe([10, 10, 20])], 1e6);
    await machine.turn(2, () => Promise.resolve());
    await machine.turn(1, () => Promise.resolve());
    expect(machine.disturbance).toEqual({ waitedMs: 0, repeated: 0, disturbed: 0, turns: 2 });
  });

  it('compares probes with those on as many cores', async () => {
    const machine = new QuietMachine([probe([10]), probe([13])], 1e6);
    await machine.begin();
    await machine.turn(2, () => Promise.resolve());
    expect(machine.disturbance).toEqual({ waitedMs: 0, repeated: 0, disturbed: 0, turns: 1 });
  });

  it('makes a turn again that ends while it is slowed', async () => {
    const machine = new QuietMachine([probe([10, 20, 10])], 1e6);
    expect(await turnsOf(machine, 2)).toEqual([2, 3]);
    expect(machine.disturbance).toMatchObject({ repeated: 1, disturbed: 0, turns: 2 });
  });

  it('learns from every probe how fast they can be', async () => {
    const machine = new QuietMachine([probe([20, 10, 20, 10])], 1e6);
    // What seemed quiet before the first turn was not: the second probe is faster.
    expect(await turnsOf(machine, 2)).toEqual([1, 2]);
    expect(machine.disturbance.waitedMs).toBeGreaterThan(100);
  });

  it('is not waited for without patience, and says what was disturbed', async () => {
    const machine = new QuietMachine([probe([10, 10, 20])], 0);
    await machine.begin();
    expect(await turnsOf(machine, 3)).toEqual([1, 2, 3]);
    expect(machine.disturbance).toEqual({ waitedMs: 0, repeated: 0, disturbed: 3, turns: 3 });
  });

  it('is waited for until patience runs out', async () => {
    const machine = new QuietMachine([probe([10, 20])], 300);
    await machine.begin();
    expect(await turnsOf(machine, 2)).toEqual([1, 2]);
    expect(machine.disturbance).toMatchObject({ repeated: 0, disturbed: 2, turns: 2 });
    expect(machine.disturbance.waitedMs).toBeGreaterThanOrEqual(300);
  });

  it('has as much patience for turns on two cores, whatever those on one have used up', async () => {
    let ms = 10;
    const changing: Contender = { ...probe([10]), step: () => Promise.resolve(ms) };
    const machine = new QuietMachine([changing, changing], 300);
    await machine.begin();
    ms = 20;
    await turnsOf(machine, 2, 1);
    const waitedMs = machine.disturbance.waitedMs;
    await turnsOf(machine, 2, 2);
    expect(machine.disturbance).toMatchObject({ disturbed: 4, turns: 4 });
    expect(machine.disturbance.waitedMs - waitedMs).toBeGreaterThanOrEqual(300);
  });
});
