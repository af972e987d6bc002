import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OBJECTIVE_DEFAULTS, optimizerConfig, parseSchedule, type OptimizerConfig, type Schedule } from '@bptt/core';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunConfig } from './run-config.js';
import type { RunEvent, RunResult } from './run-event.js';
import { ReferenceWorker } from './testing/reference-worker.js';
import { startTestServer, type TestServer } from './testing/test-server.js';
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

/** Where a run is stopped, and how. Each returns when the server has nothing more to do. */
const STOPS = {
  'at a step': (begin) => finishAt(begin, 3),
  'at an epoch boundary': (begin) => finishAt(begin, STEPS_PER_EPOCH),
  'inside a validation': (begin) => stopInside(begin, 'LEASE_KIND_EVALUATE', 5),
  'inside a step, as SIGINT does': (begin) => stopInside(begin, 'LEASE_KIND_TRAIN', 6),
  'without a last word, after checkpoints': (begin) => die(begin, 7),
} as const satisfies Record<string, (begin: Begin) => Promise<void>>;

type Begin = (stepsTotal: number) => Promise<TestServer>;

/** `npm run test:long` takes the whole product; otherwise every optimiser meets every stop in one of the two modes. */
const IS_LONG = process.env['BPTT_LONG'] === '1';

function stopsFor(descent: Descent, mode: keyof typeof MODES): [string, (begin: Begin) => Promise<void>][] {
  const offset = DESCENTS.indexOf(descent) + Object.keys(MODES).indexOf(mode);
  return Object.entries(STOPS).filter((_, stop) => IS_LONG || (stop + offset) % 2 === 0);
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function configOf({ schedule = { kind: 'constant' }, warmup = 0, ...descent }: Descent, mode: keyof typeof MODES): RunConfig {
  return tinyConfig({ ...MODES[mode], ...descent, schedule, warmup, clip: { kind: 'none' }, validEvery: 1, checkpointEvery: 3 });
}

async function work(test: TestServer, workers = 1): Promise<RunResult> {
  await Promise.all(Array.from({ length: workers }, async () => (await ReferenceWorker.join(test.connect(), test.config)).run()));
  const result = await test.server.finished;
  await test.close();
  return result;
}

async function finishAt(begin: Begin, steps: number): Promise<void> {
  expect(await work(await begin(steps))).toMatchObject({ outcome: 'finished', step: steps });
}

/** Stops the run in the middle of a round of this kind and step: one lease of it is pushed, and the next is held. */
async function stopInside(begin: Begin, kind: string, step: number): Promise<void> {
  const test = await begin(STEPS);
  // One who never asks for work, so that the other gets no round whole.
  await ReferenceWorker.join(test.connect(), test.config);
  const worker = await ReferenceWorker.join(test.connect(), test.config);
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

async function die(begin: Begin, steps: number): Promise<void> {
  const test = await begin(STEPS);
  void (await ReferenceWorker.join(test.connect(), test.config)).run().catch(() => 0);
  while (!test.events.some((event) => event.event === 'step' && event.step >= steps)) await new Promise(setImmediate);
  await test.close();
}

let combinations = 0;
let clusters = 0;
let restored = 0;
let averaged = 0;

describe.each(Object.keys(MODES) as (keyof typeof MODES)[])('%s mode', (mode) => {
  describe.each(DESCENTS)('$optimizer.name', (descent) => {
    const config = configOf(descent, mode);
    const alone = startTestServer({ config, stepsTotal: STEPS }).then(async (test) => ({ ...(await work(test)), events: test.events }));

    it.each(stopsFor(descent, mode))('stopped %s and gone on with, ends with the bits of a run that was left alone', async (_where, stop) => {
      const runDirectory = mkdtempSync(join(tmpdir(), 'bptt-resume-'));
      folders.push(runDirectory);
      await stop((stepsTotal) => startTestServer({ config, stepsTotal, runDirectory }));
      // Every other one goes on as a cluster, so that each stop and each optimiser sees both.
      const isCluster = combinations % 2 === 1;
      const test = await startTestServer({ config, stepsTotal: STEPS, runDirectory, resume: true, transport: isCluster ? 'gRPC' : 'in-process' });
      const resumed = await work(test, isCluster ? 2 : 1);
      const expected = await alone;
      expect(expected).toMatchObject({ outcome: 'finished', step: STEPS });
      expect(resumed).toMatchObject({ outcome: 'finished', step: STEPS, parametersSha256: expected.parametersSha256, validLoss: expected.validLoss, bestValidLoss: expected.bestValidLoss });
      combinations += 1;
      if (isCluster) clusters += 1;
      const begun = test.events.find((event) => event.event === 'started')?.step ?? NaN;
      const before = validationsOf(expected.events).filter(({ step }) => step <= begun);
      if (before.some((validation) => validation.restored)) restored += 1;
      if (before.some((validation) => validation.averaged)) averaged += 1;
    });
  });
});

it('went on after restores and while iterates were averaged, too', () => {
  process.stdout.write(`resume: ${String(combinations)} combinations of optimiser, mode and stop, ${String(clusters)} gone on with by two workers over gRPC; ${String(restored)} went on after a restore, ${String(averaged)} while averaging\n`);
  expect(combinations).toBe((DESCENTS.length * Object.keys(STOPS).length * Object.keys(MODES).length) / (IS_LONG ? 1 : 2));
  expect(Math.min(restored, averaged)).toBeGreaterThan(0);
});

function validationsOf(events: readonly RunEvent[]): Extract<RunEvent, { event: 'validation' }>[] {
  return events.flatMap((event) => (event.event === 'validation' ? [event] : []));
}
