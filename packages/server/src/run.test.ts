import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { optimizerConfig } from '@bptt/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OBJECTIVE_DEFAULTS, type Objective } from '@bptt/core';
import type { JournalLine } from './journal.js';
import type { RunConfig } from './run-config.js';
import type { RunResult } from './run-event.js';
import { exploded, ReferenceWorker } from './testing/reference-worker.js';
import { startTestServer, type TestServer, type TestServerOptions } from './testing/test-server.js';
import { tinyConfig, tinyData } from './testing/tiny-run.js';

const folders: string[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-run-'));
  folders.push(folder);
  return folder;
}

interface RunOptions extends TestServerOptions {
  readonly workers?: number;
  /** Called when the server runs, before any worker has joined. */
  readonly meanwhile?: (test: TestServer) => Promise<void>;
}

/** A whole run with honest workers. */
async function run({ workers = 1, meanwhile, ...options }: RunOptions): Promise<RunResult & { test: TestServer }> {
  const test = await startTestServer(options);
  await meanwhile?.(test);
  const working = Array.from({ length: workers }, async () => (await ReferenceWorker.join(test.connect(), test.config)).run().catch(() => 0));
  const result = await test.server.finished;
  await Promise.all(working);
  await test.close();
  return { ...result, test };
}

const SENTENCES = tinyConfig();
const CHUNKS: Objective = { ...OBJECTIVE_DEFAULTS, truncation: { kind: 'chunk', k: 4 } };
const STREAM = tinyConfig({ objective: CHUNKS, schedule: { kind: 'plateau', factor: 2 }, validEvery: 2 });

describe('a run', () => {
  it('keeps in its folder who computed, and by what', async () => {
    const runDirectory = temporaryFolder();
    await run({ config: SENTENCES, stepsTotal: 1, runDirectory });
    const metrics = readFileSync(join(runDirectory, 'metrics.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as object);
    expect(metrics[0]).toEqual({ event: 'worker-joined', workerId: 'w1', name: 'reference worker', executes: 'the reference backend', threads: 1 });
  });

  it('takes no hour in which it was stopped for silence of a worker', async () => {
    let stoppedMs = 0;
    const realNow = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => realNow() + stoppedMs);
    const clocks = [undefined, () => performance.now()];
    const [awake, plain] = await Promise.all(clocks.map(async (nowMs) => {
      const test = await startTestServer({ ...(nowMs && { nowMs }), stepsTotal: 1, timing: { tickMs: 5 } });
      await (await ReferenceWorker.join(test.connect(), test.config)).lease();
      return test;
    }));
    stoppedMs = 3_600_000;
    expect(await plain.event('worker-left')).toMatchObject({ reason: 'silent' });
    // Until the other has looked at its clock as well.
    await setTimeout(50);
    const happened = awake.events.map(({ event }) => event);
    expect(happened).toContain('worker-joined');
    expect(happened).not.toContain('worker-left');
    expect(happened).not.toContain('lease-expired');
    await Promise.all([awake.close(), plain.close()]);
  });

  it.each([['sentence', SENTENCES], ['stream', STREAM]])('in %s mode ends with the same bits for any number of workers and both transports', async (_mode, config: RunConfig) => {
    const one = await run({ config, stepsTotal: 6 });
    expect(one).toMatchObject({ outcome: 'finished', step: 6 });
    expect(one.trainLoss).toBeGreaterThan(0);
    const two = await run({ config, stepsTotal: 6, workers: 2 });
    const three = await run({ config, stepsTotal: 6, workers: 3, transport: 'gRPC' });
    for (const { parametersSha256, trainLoss, validLoss } of [two, three]) {
      expect({ parametersSha256, trainLoss, validLoss }).toEqual({ parametersSha256: one.parametersSha256, trainLoss: one.trainLoss, validLoss: one.validLoss });
    }
  });

  it('learns', async () => {
    const { test } = await run({ stepsTotal: 12 });
    const losses = test.events.flatMap((event) => (event.event === 'validation' ? [event.validLoss] : []));
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(losses[0]);
  });

  it('stopped and gone on with, also in the middle of an epoch, ends with the bits of one that was left alone', async () => {
    const alone = await run({ config: STREAM, stepsTotal: 7 });
    const runDirectory = temporaryFolder();
    const test = await startTestServer({ config: STREAM, stepsTotal: 7, runDirectory });
    const worker = await ReferenceWorker.join(test.connect(), STREAM);
    for (let step = 0; step < 3;) {
      const lease = await worker.lease();
      if (lease === undefined) throw new Error('expected a lease');
      await worker.push(await worker.compute(lease));
      if (lease.kind === 'LEASE_KIND_TRAIN') step = lease.step + 1;
    }
    await worker.lease();
    await test.server.stop();
    expect(await test.server.finished).toMatchObject({ outcome: 'interrupted', step: 3 });
    await test.close();
    const resumed = await run({ config: STREAM, stepsTotal: 7, runDirectory, resume: true, workers: 2 });
    expect(resumed).toMatchObject({ outcome: 'finished', step: 7, parametersSha256: alone.parametersSha256, validLoss: alone.validLoss });
    expect(resumed.test.events[0]).toMatchObject({ event: 'started', step: 3, resumed: true });
  });

  it('made longer later has the bits of one that was long from the start', async () => {
    const long = await run({ config: STREAM, stepsTotal: 7 });
    const runDirectory = temporaryFolder();
    await run({ config: STREAM, stepsTotal: 3, runDirectory });
    const longer = await run({ config: STREAM, stepsTotal: 7, runDirectory, resume: true });
    expect(longer.parametersSha256).toBe(long.parametersSha256);
  });

  it('goes on after a crash from its last checkpoint, and comes to the hashes that it journalled', async () => {
    const config = tinyConfig({ checkpointEvery: 2 });
    const alone = await run({ config, stepsTotal: 5 });
    const runDirectory = temporaryFolder();
    await crashAfter(3, { config, stepsTotal: 5, runDirectory });
    const resumed = await run({ config, stepsTotal: 5, runDirectory, resume: true });
    expect(resumed.test.events[0]).toMatchObject({ event: 'started', step: 2 });
    expect(resumed.parametersSha256).toBe(alone.parametersSha256);
    const steps = readFileSync(join(runDirectory, 'journal.jsonl'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as JournalLine).step);
    expect(steps).toEqual([1, 2, 3, 3, 4, 5]);
  });

  it('fails with DATA_LOSS text where it cannot come to a journalled hash again', async () => {
    const config = tinyConfig({ checkpointEvery: 2 });
    const runDirectory = temporaryFolder();
    await crashAfter(3, { config, stepsTotal: 5, runDirectory });
    writeFileSync(join(runDirectory, 'journal.jsonl'), `${JSON.stringify({ step: 4, parametersSha256: 'abc' })}\n{"torn`);
    const resumed = await run({ config, stepsTotal: 5, runDirectory, resume: true });
    expect(resumed).toMatchObject({ outcome: 'failed', step: 3, reason: expect.stringContaining('step 4: expected parameters sha256 abc') as string });
  });

  it('uses the checkpoint before a damaged one, with a warning', async () => {
    const config = tinyConfig({ checkpointEvery: 2 });
    const runDirectory = temporaryFolder();
    const { parametersSha256 } = await run({ config, stepsTotal: 6, runDirectory });
    const folder = join(runDirectory, 'checkpoints');
    expect(readdirSync(folder).sort()).toEqual(['best.safetensors', 'step-00000004.safetensors', 'step-00000006.safetensors']);
    const damaged = readFileSync(join(folder, 'step-00000006.safetensors'));
    damaged[damaged.length - 1] ^= 1;
    writeFileSync(join(folder, 'step-00000006.safetensors'), damaged);
    const resumed = await run({ config, stepsTotal: 6, runDirectory, resume: true });
    expect(resumed.test.events[0]).toMatchObject({ event: 'warning', message: expect.stringContaining('step-00000006.safetensors is damaged') as string });
    expect(resumed.test.events[1]).toMatchObject({ event: 'started', step: 4 });
    expect(resumed.parametersSha256).toBe(parametersSha256);
  });

  it('skips an exploded step with the same bits whoever computed the microshard that exploded', async () => {
    const config = tinyConfig({ objective: CHUNKS });
    const hashes = new Set<string>();
    for (const workers of [1, 2]) {
      const { parametersSha256, test } = await run({ config, stepsTotal: 4, meanwhile: (server) => explodeAtStep(server, { step: 1, workers }) });
      expect(test.events.filter(({ event }) => event === 'non-finite')).toHaveLength(1);
      hashes.add(parametersSha256);
    }
    expect(hashes.size).toBe(1);
  });

  it('ends as failed, with a checkpoint before the step, where the policy is stop', async () => {
    const config = tinyConfig({ explosion: 'stop' });
    const { outcome, reason, step, test } = await run({ config, meanwhile: (server) => explodeAtStep(server, { step: 1, workers: 1 }) });
    expect({ outcome, step }).toEqual({ outcome: 'failed', step: 1 });
    expect(reason).toContain('policy is stop');
    expect(test.events.some(({ event }) => event === 'checkpoint')).toBe(true);
  });

  it('says when the first chunk of a push has come', async () => {
    const { test } = await run({ stepsTotal: 1, transport: 'gRPC' });
    expect(test.events.find(({ event }) => event === 'push-begun')).toEqual({ event: 'push-begun', workerId: 'w1', step: 0, node: { begin: 0, width: 3 } });
  });

  it('leaves no folder behind where it was closed before its first step', async () => {
    const runDirectory = join(temporaryFolder(), 'run');
    const test = await startTestServer({ runDirectory });
    expect(readdirSync(runDirectory)).toContain('config.json');
    await test.close();
    expect(await test.server.finished).toMatchObject({ outcome: 'interrupted', step: 0 });
    expect(() => readdirSync(runDirectory)).toThrow('ENOENT');
  });

  it.each<[string, TestServerOptions]>([
    ['clip: expected a threshold above 0, got NaN', { config: tinyConfig({ clip: { kind: 'norm', threshold: NaN } }) }],
    ['warmup: expected a whole number from 0, got -1', { config: tinyConfig({ warmup: -1 }) }],
    ['patience: expected a whole number from 0, got 0.5', { patience: 0.5 }],
    ['momentum: expected a number from 0 and below 1, got 2', { config: tinyConfig({ optimizer: { name: 'momentum', momentum: 2, l2: 0, weightDecay: 0 } }) }],
    ['schedule: expected constant, plateau:factor', { config: tinyConfig({ schedule: { kind: 'plateau', factor: 1 } }) }],
    ['schedule: expected another than plateau with optimizer asgd', { config: tinyConfig({ schedule: { kind: 'plateau', factor: 2 }, optimizer: optimizerConfig('asgd') }) }],
    ['patience: expected a corpus with text to validate on', { patience: 1, data: { ...tinyData(tinyConfig()), evaluation: { count: 0, microshard: () => { throw new Error('none'); } } } }],
    ['initialParametersSha256: expected', { initialParameters: new Float32Array(3) }],
    ['initialParameters: expected finite numbers, got NaN at 1', { initialParameters: Float32Array.of(0, NaN, 1) }],
    ['initialParametersSha256: expected parameters with sha256 ab, got none', { config: tinyConfig({ initialParametersSha256: 'ab' }) }],
  ])('refuses with %j, and leaves no folder', async (message, options) => {
    const runDirectory = join(temporaryFolder(), 'run');
    await expect(startTestServer({ ...options, runDirectory })).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringContaining(message) as string });
    expect(() => readdirSync(runDirectory)).toThrow('ENOENT');
  });
});

/** A server that dies when `steps` steps are done, without a last word. */
async function crashAfter(steps: number, options: TestServerOptions): Promise<void> {
  const test = await startTestServer(options);
  const worker = await ReferenceWorker.join(test.connect(), test.config);
  void worker.run().catch(() => 0);
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (!test.events.some((event) => event.event === 'step' && event.step >= steps)) return;
      clearInterval(look);
      resolve();
    }, 1);
  });
  await test.close();
}

/** Computes until `step` and then reports an explosion of the first node that is leased. */
async function explodeAtStep(test: TestServer, { step, workers }: { step: number; workers: number }): Promise<void> {
  const joined = await Promise.all(Array.from({ length: workers }, () => ReferenceWorker.join(test.connect(), test.config)));
  const [first] = joined;
  for (;;) {
    const lease = await first.lease();
    if (lease === undefined) throw new Error('expected a lease');
    const push = await first.compute(lease);
    await first.push(lease.step === step ? exploded(push) : push);
    if (lease.step === step) break;
  }
  for (const worker of joined) {
    await worker.connection.leave(worker.identity);
    worker.connection.close();
  }
}
