import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { stepParts } from './bptt-ways.js';
import { trainingWords } from './command.js';
import type { Contender } from './contender.js';
import { JsonProcess } from './json-process.js';
import { processShares, WindowWatch } from './step-window.js';
import { TrainRun, windowsAtOnce } from './train-run.js';
import { plainRounds } from './rounds.js';
import { contenderWay, measureWays, SETTLING_STEPS, summarize, type StepParts, type Way, type WayWindow } from './way.js';
import { startUpText, waysText } from './ways-report.js';
import { lstm200, WORKLOADS } from './workload.js';

const USAGE = { cpuSeconds: 1, peakRssBytes: 100, bytesIn: 1_000, bytesOut: 2_000 };

describe('a window of steps', () => {
  it('begins when all workers have joined and some steps have warmed them up', async () => {
    const watch = new WindowWatch({ workers: 2, warmUpSteps: 1, steps: 2, roles: () => new Map() });
    const step = (number: number, atMs: number): void => { watch.see({ event: 'step', step: number, tokens: 10 }, atMs); };
    watch.see({ event: 'worker-joined' }, 0);
    step(1, 100);
    watch.see({ event: 'worker-joined' }, 150);
    step(2, 200);
    step(3, 300);
    step(4, 340);
    step(5, 400);
    step(6, 1_000);
    expect(await watch.done).toEqual({ stepMs: 50, tokensPerSecond: 200, eachMs: new Map([[4, 40], [5, 60]]), processes: [] });
  });

  it('has what each process did in it', () => {
    const before = new Map([['server', USAGE]]);
    const after = new Map([['server', { cpuSeconds: 3, peakRssBytes: 150, bytesIn: 1_400, bytesOut: 2_040 }], ['worker 1', USAGE]]);
    expect(processShares(before, after, 4)).toEqual([{ role: 'server', cpuMsPerStep: 500, bytesInPerStep: 100, bytesOutPerStep: 10, peakRssBytes: 150 }]);
  });

  it('tells the parts of a step by the worker that took longest', () => {
    const lease = (step: number, pullMs: number, computeMs: number, pushMs: number): Parameters<typeof stepParts>[0][number] => ({ step, pullMs, computeMs, pushMs });
    const leases = [lease(0, 900, 900, 900), lease(1, 1, 50, 2), lease(1, 2, 60, 4), lease(2, 4, 70, 6)];
    expect(stepParts(leases, new Map([[2, 80], [3, 100]]))).toEqual({ pullMs: 3, computeMs: 65, pushMs: 5, serverMs: 17 });
  });
});

describe('ways', () => {
  const way = { name: 'a', microshards: 4, threads: 1, workers: 2 };
  const window = (stepMs: number, extra: Partial<WayWindow> = {}): WayWindow => ({ stepMs, tokensPerSecond: 1e3 / stepMs, eachMs: new Map(), processes: [], ...extra });

  it('are measured in turn, each round begun by another, and closed', async () => {
    const log: string[] = [];
    const scripted = (name: string): Way => ({
      ...way, name,
      open: () => Promise.resolve({
        executes: name,
        measure: () => {
          log.push(name);
          return Promise.resolve(window(10));
        },
        close: () => {
          log.push(`close ${name}`);
          return Promise.resolve();
        },
      }),
    });
    const rows = await measureWays([scripted('a'), scripted('b')], plainRounds(2));
    expect(log).toEqual(['a', 'b', 'b', 'a', 'close a', 'close b']);
    expect(rows).toMatchObject([{ name: 'a', stepMs: 10, samplesMs: [10, 10] }, { name: 'b' }]);
  });

  it('are summed up by medians, the peak of memory by the highest', () => {
    const share = (cpuMsPerStep: number, peakRssBytes: number): WayWindow['processes'][number] => ({ role: 'server', cpuMsPerStep, bytesInPerStep: 1, bytesOutPerStep: 2, peakRssBytes });
    const parts = (pullMs: number): StepParts => ({ pullMs, computeMs: 5, pushMs: 6, serverMs: 7 });
    const result = summarize(way, 'x', [window(10, { processes: [share(1, 9)], parts: parts(1), eventLoopPauseMs: 3 }), window(30, { processes: [share(3, 8)], parts: parts(3), eventLoopPauseMs: 8 }), window(20)]);
    expect(result).toMatchObject({ stepMs: 20, tokensPerSecond: 50, parts: { pullMs: 2, serverMs: 7 }, eventLoopPauseMs: 8, processes: [{ role: 'server', cpuMsPerStep: 2, peakRssBytes: 9 }] });
    expect(summarize(way, 'x', [window(10)])).toMatchObject({ parts: null, eventLoopPauseMs: null });
  });

  it('may be a contender, whose first steps after a rest do not count', async () => {
    let steps = 0;
    const step = (): Promise<number> => {
      steps += 1;
      return Promise.resolve(steps > SETTLING_STEPS ? 20 : 1_000);
    };
    const contender: Contender = { name: 'c', executes: 'c', pids: [], step, close: () => Promise.resolve() };
    expect(await contenderWay(contender, 40, 3).measure()).toEqual({ stepMs: 20, tokensPerSecond: 2_000, eachMs: new Map(), processes: [] });
  });

  it('are shown with their processes and the parts of a step', () => {
    const row = summarize(way, 'bptt serve', [window(10, { processes: [{ role: 'server', cpuMsPerStep: 4, bytesInPerStep: 2048, bytesOutPerStep: 1024, peakRssBytes: 1024 * 1024 }], parts: { pullMs: 1, computeMs: 2, pushMs: 3, serverMs: 4 }, eventLoopPauseMs: 5 })]);
    expect(waysText({ title: 'lstm-200', sentences: 20, words: 35, rows: [row, { name: 'b', skipped: 'not here' }] }).split('\n')).toEqual([
      'lstm-200: 20 x 35 words a step, the whole machine',
      '   K  tokens/s  ms/step  executes',
      'a  4       100       10  bptt serve',
      'b  -         -        -  skipped: not here',
      'of each process, a step',
      '   CPU ms  KiB in  KiB out  peak MiB  process',
      'a       4       2        1         1  server',
      'parts of a step, ms',
      "   pull  compute  push  sum and update  step  longest pause of the server's event loop",
      'a     1        2     3               4    10  5',
    ]);
    expect(startUpText([{ what: 'bptt --help', medianMs: 500, samplesMs: [500] }])).toContain('bptt --help  500');
  });
});

describe('runs that stay', () => {
  /** Prints steps, so many milliseconds apart. */
  const stepsEvery = (ms: number, end = ''): string[] => ['-e', `let step = 0; setInterval(() => { step += 1; console.log(JSON.stringify({ event: 'step', step, tokens: 10 })); ${end} }, ${String(ms)});`];

  it('work at once until each has seen its window, and rest after it', async () => {
    const runs = [new TrainRun(stepsEvery(5), 'quick'), new TrainRun(stepsEvery(40), 'slow')];
    try {
      for (const warmUpSteps of [3, 1]) {
        const [quick, slow] = await windowsAtOnce(runs, { warmUpSteps, steps: 4 });
        expect([quick.eachMs.size, slow.eachMs.size]).toEqual([4, 4]);
        expect(slow.stepMs).toBeGreaterThan(quick.stepMs);
        await setTimeout(1_000);
      }
      const [quick, slow] = await windowsAtOnce(runs, { warmUpSteps: 0, steps: 1 });
      // The quick one has gone on while the slow one worked, and neither while they rested: of the slow one 16 steps were wanted, and in two seconds it makes 50.
      expect(Math.max(...quick.eachMs.keys())).toBeGreaterThan(2 * Math.max(...slow.eachMs.keys()));
      expect(Math.max(...slow.eachMs.keys())).toBeLessThan(40);
    } finally {
      await Promise.all(runs.map((run) => run.close()));
    }
  });

  it('fail with the one that ends by itself', async () => {
    const runs = [new TrainRun(stepsEvery(5), 'stays'), new TrainRun(stepsEvery(5, 'if (step === 2) process.exit(4);'), 'ends')];
    await expect(windowsAtOnce(runs, { warmUpSteps: 1, steps: 50 })).rejects.toThrow('ended with 4');
    await Promise.all(runs.map((run) => run.close()));
  });
});

describe('a command', () => {
  const place = { corpus: 'c', cache: 'd', run: 'r' };

  it('trains a workload', () => {
    const words = trainingWords(lstm200('lstm-200', 20), 4, place).join(' ');
    expect(words).toMatch(/^c --tokens=whitespace --cell=lstm --input=embedding --embedding=200 --hidden=200,200 --vocabulary=10000 --head=softmax --truncation=chunk:35 --batch=20 --microshards=4 /);
    expect(words).toContain('--clip=5');
    expect(() => trainingWords(WORKLOADS[0], 1, place)).toThrow('expected a model with an embedding');
  });

  it('is followed line by line, and its early end is a failure with its last words', async () => {
    const events: unknown[] = [];
    const child = new JsonProcess({
      arguments: ['-e', 'console.log(JSON.stringify({ event: "a" })); console.error("out of luck"); process.exitCode = 3;'],
      onEvent: (event) => { events.push(event); },
    });
    await expect(child.failed).rejects.toThrow(/ended with 3: out of luck/);
    expect(events).toEqual([{ event: 'a' }]);
    await child.stop();
  });

  it('rests until it goes on, and ends when it is stopped while it rests', async () => {
    let lines = 0;
    const child = new JsonProcess({ arguments: ['-e', 'setInterval(() => console.log("{}"), 5);'], onEvent: () => { lines += 1; } });
    const linesIn = async (ms: number): Promise<number> => {
      const before = lines;
      await setTimeout(ms);
      return lines - before;
    };
    await vi.waitFor(() => { expect(lines).toBeGreaterThan(0); }, { timeout: 20_000 });
    child.rest();
    await vi.waitFor(async () => { expect(await linesIn(100)).toBe(0); }, { timeout: 20_000 });
    child.goOn();
    await vi.waitFor(async () => { expect(await linesIn(100)).toBeGreaterThan(0); }, { timeout: 20_000 });
    child.rest();
    await child.stop();
  });

  it('is stopped', async () => {
    const child = new JsonProcess({ arguments: ['-e', 'setInterval(() => undefined, 1000);'], onEvent: () => undefined });
    expect(child.pid).toBeGreaterThan(0);
    await child.stop();
  });
});
