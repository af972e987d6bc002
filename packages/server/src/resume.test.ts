import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OBJECTIVE_DEFAULTS, optimizerConfig, parseSchedule, type OptimizerConfig, type Schedule } from '@bptt/core';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunConfig } from './run-config.js';
import type { RunEvent, RunResult } from './run-event.js';
import { ReferenceWorker } from './testing/reference-worker.js';
import { startTestServer, type TestServer, type Transport } from './testing/test-server.js';
import { tinyConfig } from './testing/tiny-run.js';

/** Steps of the whole run: two epochs. */
const STEPS = 8;
const STEPS_PER_EPOCH = 4;

interface Descent {
  readonly optimizer: OptimizerConfig;
  readonly learningRate: number;
  readonly schedule?: Schedule;
  readonly warmup?: number;
}

// Rates so high that validations get worse: then the best parameters are restored and averaging begins before the run is stopped.
const DESCENTS: readonly Descent[] = [
  { optimizer: optimizerConfig('sgd'), learningRate: 40, schedule: parseSchedule('plateau:2') },
  { optimizer: optimizerConfig('momentum', { l2: 0.01 }), learningRate: 1, schedule: parseSchedule('cosine:8:0.1') },
  { optimizer: optimizerConfig('nesterov', { weightDecay: 0.01 }), learningRate: 1, schedule: parseSchedule('decay:1:0.5') },
  { optimizer: optimizerConfig('adagrad'), learningRate: 0.1, warmup: 5 },
  { optimizer: optimizerConfig('rmsprop'), learningRate: 0.05 },
  { optimizer: optimizerConfig('adam'), learningRate: 0.5, schedule: parseSchedule('plateau:2') },
  { optimizer: optimizerConfig('adamw'), learningRate: 0.05 },
  { optimizer: optimizerConfig('asgd', { nonmono: 1 }), learningRate: 40 },
];
const MODES = { sentence: {}, stream: { objective: { ...OBJECTIVE_DEFAULTS, truncation: { kind: 'chunk', k: 4 } } } } as const satisfies Record<string, Partial<RunConfig>>;

/** How the workers of a run reach it, before the stop and after it; and how many they are. */
const TRANSPORTS = { 'in-process': 1, 'gRPC and files': 2 } as const satisfies Partial<Record<Transport, number>>;

/** The part of a run before its stop. */
interface Beginning {
  readonly workers: number;
  readonly begin: (stepsTotal: number) => Promise<TestServer>;
}

/** Where a run is stopped, and how. Each returns when the server has nothing more to do. */
const STOPS = {
  'at a step': (beginning) => finishAt(beginning, 3),
  'at an epoch boundary': (beginning) => finishAt(beginning, STEPS_PER_EPOCH),
  'inside a validation': (beginning) => stopInside(beginning, 'LEASE_KIND_EVALUATE', 5),
  'inside a step, as SIGINT does': (beginning) => stopInside(beginning, 'LEASE_KIND_TRAIN', 6),
  'without a last word, after checkpoints': (beginning) => die(beginning, 7),
} as const satisfies Record<string, (beginning: Beginning) => Promise<void>>;

interface Combination {
  readonly descent: Descent;
  readonly mode: keyof typeof MODES;
  readonly stop: keyof typeof STOPS;
  readonly transport: keyof typeof TRANSPORTS;
}

const keysOf = <K extends string>(record: Readonly<Record<K, unknown>>): readonly K[] => Object.keys(record) as K[];
/** `npm run test:long` takes the whole product; otherwise every optimiser meets every stop once, and every pair of mode and transport on the way. */
const IS_LONG = process.env['BPTT_LONG'] === '1';
const PAIRS = keysOf(MODES).flatMap((mode) => keysOf(TRANSPORTS).map((transport) => ({ mode, transport })));
const COMBINATIONS: readonly Combination[] = DESCENTS.flatMap((descent, i) =>
  keysOf(STOPS).flatMap((stop, j) => (IS_LONG ? PAIRS : [PAIRS[(i + j) % PAIRS.length]]).map((pair) => ({ descent, stop, ...pair }))));

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function configOf({ schedule = { kind: 'constant' }, warmup = 0, ...descent }: Descent, mode: keyof typeof MODES): RunConfig {
  return tinyConfig({ ...MODES[mode], ...descent, schedule, warmup, clip: { kind: 'none' }, validEvery: 1, checkpointEvery: 3 });
}

function joined(test: TestServer, workers: number): Promise<ReferenceWorker[]> {
  return Promise.all(Array.from({ length: workers }, () => ReferenceWorker.join(test.connect(), test.config)));
}

async function work(test: TestServer, workers = 1): Promise<RunResult> {
  await Promise.all((await joined(test, workers)).map((worker) => worker.run()));
  const result = await test.server.finished;
  await test.close();
  return result;
}

async function finishAt({ workers, begin }: Beginning, steps: number): Promise<void> {
  expect(await work(await begin(steps), workers)).toMatchObject({ outcome: 'finished', step: steps });
}

/** Stops the run in the middle of a round of this kind and step: one lease of it is pushed, and the next is held. */
async function stopInside({ begin }: Beginning, kind: string, step: number): Promise<void> {
  const test = await begin(STEPS);
  // The second never asks for work, so that the first gets no round whole.
  const [worker] = await joined(test, 2);
  for (let isInside = false; ;) {
    const lease = await worker.lease();
    if (lease === undefined) throw new Error('expected a lease');
    const isThere = lease.kind === kind && lease.step === step;
    if (isInside) expect(isThere).toBe(true);
    if (isInside) break;
    isInside = isThere;
    await worker.push(await worker.compute(lease));
  }
  await test.server.stop();
  expect(await test.server.finished).toMatchObject({ outcome: 'interrupted', step });
  await test.close();
}

async function die({ workers, begin }: Beginning, steps: number): Promise<void> {
  const test = await begin(STEPS);
  for (const worker of await joined(test, workers)) void worker.run().catch(() => 0);
  while (!test.events.some((event) => event.event === 'step' && event.step >= steps)) await new Promise(setImmediate);
  await test.close();
}

const begun: Combination[] = [];
let restored = 0;
let averaged = 0;
afterAll(() => {
  const cluster = begun.filter(({ transport }) => transport === 'gRPC and files').length;
  process.stdout.write(`resume: ${String(begun.length)} combinations of optimiser, mode, stop and transport, ${String(cluster)} of them with two workers over gRPC; ${String(restored)} went on after a restore, ${String(averaged)} while averaging\n`);
});

describe.each(keysOf(MODES))('%s mode', (mode) => {
  describe.each(DESCENTS)('$optimizer.name', (descent) => {
    const config = configOf(descent, mode);
    const alone = startTestServer({ config, stepsTotal: STEPS }).then(async (test) => ({ ...(await work(test)), events: test.events }));
    const combinations = COMBINATIONS.filter((combination) => combination.descent === descent && combination.mode === mode);

    it.each(combinations)('$transport, stopped $stop and gone on with, ends with the bits of a run that was left alone', async (combination) => {
      begun.push(combination);
      const { stop, transport } = combination;
      const workers = TRANSPORTS[transport];
      const runDirectory = mkdtempSync(join(tmpdir(), 'bptt-resume-'));
      folders.push(runDirectory);
      await STOPS[stop]({ workers, begin: (stepsTotal) => startTestServer({ config, stepsTotal, runDirectory, transport }) });
      const test = await startTestServer({ config, stepsTotal: STEPS, runDirectory, resume: true, transport });
      const resumed = await work(test, workers);
      const expected = await alone;
      const from = test.events.find((event) => event.event === 'started')?.step ?? NaN;
      const before = validationsOf(expected.events).filter(({ step }) => step <= from);
      if (before.some((validation) => validation.restored)) restored += 1;
      if (before.some((validation) => validation.averaged)) averaged += 1;
      expect(expected).toMatchObject({ outcome: 'finished', step: STEPS });
      expect(resumed).toMatchObject({ outcome: 'finished', step: STEPS, parametersSha256: expected.parametersSha256, validLoss: expected.validLoss, bestValidLoss: expected.bestValidLoss });
    });
  });
});

it('went on with every optimiser from every stop, in every mode over every transport, also after restores and while iterates were averaged', () => {
  const distinct = (keyOf: (combination: Combination) => readonly unknown[]): number => new Set(begun.map((combination) => keyOf(combination).join())).size;
  expect(distinct(({ descent, stop }) => [descent.optimizer.name, stop])).toBe(DESCENTS.length * keysOf(STOPS).length);
  expect(distinct(({ descent, mode, transport }) => [descent.optimizer.name, mode, transport])).toBe(DESCENTS.length * PAIRS.length);
  expect(begun).toHaveLength(DESCENTS.length * keysOf(STOPS).length * (IS_LONG ? PAIRS.length : 1));
  expect(Math.min(restored, averaged)).toBeGreaterThan(0);
});

function validationsOf(events: readonly RunEvent[]): Extract<RunEvent, { event: 'validation' }>[] {
  return events.flatMap((event) => (event.event === 'validation' ? [event] : []));
}
