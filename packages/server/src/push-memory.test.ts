import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { credentials, type ClientWritableStream } from '@grpc/grpc-js';
import { OBJECTIVE_DEFAULTS, type ExplosionPolicy } from '@bptt/core';
import { clients, tensorChunks, type PushGradientReply__Output, type PushGradientRequest } from '@bptt/rpc';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunResult } from './run-event.js';
import { exploded, ReferenceWorker, type PreparedPush } from './testing/reference-worker.js';
import { startTestServer, type TestServer, type TestServerOptions, type Transport } from './testing/test-server.js';
import { tinyConfig } from './testing/tiny-run.js';

const STREAM = tinyConfig({ objective: { ...OBJECTIVE_DEFAULTS, truncation: { kind: 'chunk', k: 4 } } });
const SENTENCES = tinyConfig();
const TRANSPORTS: readonly Transport[] = ['in-process', 'gRPC', 'gRPC and files'];

let test: TestServer | undefined;
afterEach(async () => {
  await test?.close();
  test = undefined;
});

/** A server that counts the blocks of memory it takes for payloads, and spoils each one that is given back. */
async function start(options: TestServerOptions): Promise<{ server: TestServer; blocks: readonly number[] }> {
  const blocks: number[] = [];
  test = await startTestServer({ ...options, payloadChecks: { onBlock: (bytes) => { blocks.push(bytes); }, poisoned: true } });
  return { server: test, blocks };
}

async function joinWorkers({ connect, config }: TestServer, count: number): Promise<ReferenceWorker[]> {
  const workers: ReferenceWorker[] = [];
  for (let i = 0; i < count; i += 1) workers.push(await ReferenceWorker.join(connect(), config));
  return workers;
}

/** What a worker computes of its next lease. */
async function nextPush(worker: ReferenceWorker): Promise<PreparedPush> {
  const lease = await worker.lease();
  if (lease === undefined) throw new Error('expected a lease, got the end of the run');
  return worker.compute(lease);
}

async function finish({ server, event }: TestServer, workers: readonly ReferenceWorker[]): Promise<RunResult> {
  await Promise.all(workers.map((worker) => worker.run()));
  await event('done');
  return server.finished;
}

describe.each(TRANSPORTS)('memory for pushes, %s', (transport) => {
  it.each([['sentence', SENTENCES], ['stream', STREAM]])('is one block for all steps of one worker in %s mode', async (_mode, config) => {
    const { server, blocks } = await start({ transport, config, stepsTotal: 24 });
    expect(await finish(server, await joinWorkers(server, 1))).toMatchObject({ outcome: 'finished', step: 24 });
    expect(blocks).toHaveLength(1);
  });

  it.each([['sentence', SENTENCES], ['stream', STREAM]])('is at most one block a microshard for all steps of two workers in %s mode', async (_mode, config) => {
    const { server, blocks } = await start({ transport, config, stepsTotal: 24 });
    expect(await finish(server, await joinWorkers(server, 2))).toMatchObject({ outcome: 'finished', step: 24 });
    expect(blocks.length).toBeGreaterThan(0);
    expect(blocks.length).toBeLessThanOrEqual(config.microshards);
  });

  it('comes back from every push that does not count', async () => {
    const { server, blocks } = await start({ transport, config: STREAM });
    const [first, second] = await joinWorkers(server, 2);
    const [committed, open] = [await nextPush(first), await nextPush(second)];
    expect(await first.push(committed)).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
    for (let i = 0; i < 20; i += 1) {
      expect(await first.push(committed)).toMatchObject({ outcome: 'PUSH_OUTCOME_DUPLICATE' });
      await expect(first.push(changed(committed, (bytes) => { bytes[0] ^= 1; }))).rejects.toMatchObject({ code: 'data-loss' });
      await expect(second.push(changed(open, (bytes) => { bytes.fill(0xff, 0, 4); }))).rejects.toMatchObject({ code: 'invalid-argument' });
      await expect(second.push(changed(open, (bytes) => { bytes.fill(0xff, -4); }))).rejects.toMatchObject({ code: 'invalid-argument' });
      await expect(second.push({ ...open, payload: open.payload.slice(4) })).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    // One is committed, one arrives, and the one before may still wait for the update thread to drop it.
    expect(blocks.length).toBeLessThanOrEqual(3);
    expect(await second.push(open)).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
    expect(await server.event('step')).toMatchObject({ step: 1, outcome: 'updated' });
  });

  it.each<ExplosionPolicy>(['skip', 'shrink'])('comes back from a step that exploded, where the policy is %s', async (explosion) => {
    const { server, blocks } = await start({ transport, config: { ...STREAM, explosion }, stepsTotal: 12 });
    const workers = await joinWorkers(server, 2);
    const [bad, good] = [await nextPush(workers[0]), await nextPush(workers[1])];
    await workers[1].push(good);
    await workers[0].push(exploded(bad));
    expect(await server.event('step')).toMatchObject({ step: 1, outcome: explosion === 'skip' ? 'skipped' : 'shrunk' });
    expect(await finish(server, workers)).toMatchObject({ outcome: 'finished', step: 12 });
    expect(server.events.filter(({ event }) => event === 'non-finite')).toHaveLength(1);
    expect(blocks.length).toBeLessThanOrEqual(STREAM.microshards);
  });
});

it('memory for pushes comes back in process from workers that go away in the middle of one', async () => {
  const { server, blocks } = await start({ config: STREAM });
  for (let i = 0; i < 8; i += 1) {
    const [worker] = await joinWorkers(server, 1);
    const torn = worker.push(await nextPush(worker));
    worker.connection.close();
    await expect(torn).rejects.toMatchObject({ code: 'cancelled' });
  }
  expect(await finish(server, await joinWorkers(server, 1))).toMatchObject({ outcome: 'finished' });
  expect(blocks.length).toBeLessThanOrEqual(2);
});

it.each([['to their end', false], ['also where the connection is closed meanwhile', true]])('payloads in memory of the server are read where they lie until pushes have settled, %s', async (_name, isTorn) => {
  const plain = await start({ config: STREAM });
  const { parametersSha256 } = await finish(plain.server, await joinWorkers(plain.server, 1));
  await plain.server.close();
  const { server } = await start({ config: STREAM });
  const pushThere = async (worker: ReferenceWorker, { header, payload }: PreparedPush, whilePushing: () => Promise<void>): Promise<void> => {
    const there = server.server.memory.allocateBytes(payload.length);
    there.set(payload);
    const pushed = worker.push({ header, payload: there });
    await whilePushing();
    await pushed.finally(() => there.fill(255));
  };
  if (isTorn) {
    const [torn] = await joinWorkers(server, 1);
    await expect(pushThere(torn, await nextPush(torn), async () => {
      await nextTurn();
      torn.connection.close();
    })).rejects.toMatchObject({ code: 'cancelled' });
  }
  const [worker] = await joinWorkers(server, 1);
  for (let lease = await worker.lease(); lease !== undefined; lease = await worker.lease()) {
    const push = await worker.compute(lease);
    if (push.payload.length === 0) await worker.push(push);
    else await pushThere(worker, push, () => Promise.resolve());
  }
  expect(await server.server.finished).toMatchObject({ outcome: 'finished', parametersSha256 });
});

describe('memory for a push in frames', () => {
  it('comes back where the stream ends, is cancelled or is damaged', async () => {
    const { server, blocks } = await start({ config: STREAM });
    const raw = await openRaw(server);
    const [worker] = await joinWorkers(server, 1);
    const push = await nextPush(worker);
    const [header, chunk, commit] = framesOf(push);
    for (let i = 0; i < 10; i += 1) {
      expect(await raw.send([header]).end()).toMatch('ended before its commit');
      expect(await raw.send([header, chunk]).end()).toMatch('ended before its commit');
      const begun = server.events.filter(({ event }) => event === 'push-begun').length;
      const cancelled = raw.send([header, chunk]);
      await until(() => server.events.filter(({ event }) => event === 'push-begun').length > begun);
      expect(await cancelled.cancel()).toMatch('Cancelled');
      expect(await raw.send([header, chunk, chunk]).end()).toMatch('expected a chunk at byte');
      expect(await raw.send([header, header]).end()).toMatch('got two');
      expect(await raw.send([header, chunk, { commit: { totalBytes: push.payload.length, sha256: Buffer.alloc(32) } }]).end()).toMatch('expected sha256');
    }
    expect(await raw.send([header, chunk, commit]).end()).toBe('PUSH_OUTCOME_COMMITTED');
    // The server may hear late that a stream was cancelled.
    expect(blocks.length).toBeLessThanOrEqual(2);
    raw.close();
  });

  it('comes back where the lease is given up, or the step over, between the first chunk and the commit', async () => {
    const { server, blocks } = await start({ config: { ...STREAM, validEvery: 100 }, stepsTotal: 12 });
    const raw = await openRaw(server);
    const [late, honest] = await joinWorkers(server, 2);
    for (let step = 0; step < 6; step += 1) {
      const slow = await nextPush(late);
      const [header, chunk, commit] = framesOf(slow);
      const stream = raw.send([header, chunk]);
      await until(() => server.events.filter((event) => event.event === 'push-begun' && event.workerId === late.identity.workerId).length > step);
      late.control.send({ leaseFailed: { leaseId: slow.header.leaseId, reason: 'tired' }, event: 'leaseFailed' });
      await until(() => server.events.filter(({ event }) => event === 'warning').length > step);
      const isStale = step % 2 === 0;
      if (isStale) await computeStep(server, honest, step);
      stream.write(commit);
      expect(await stream.end()).toBe(isStale ? 'PUSH_OUTCOME_STALE' : 'PUSH_OUTCOME_FENCED');
      if (!isStale) await computeStep(server, honest, step);
    }
    expect(await finish(server, [late, honest])).toMatchObject({ outcome: 'finished', step: 12 });
    // At most one a microshard, and one that comes too late.
    expect(blocks.length).toBeLessThanOrEqual(STREAM.microshards + 1);
    raw.close();
  });
});

/** All of a step by one worker. */
async function computeStep(server: TestServer, worker: ReferenceWorker, step: number): Promise<void> {
  for (let left = server.config.microshards; left > 0;) {
    const push = await nextPush(worker);
    expect(await worker.push(push)).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
    left -= push.header.nodeWidth;
  }
  await until(() => server.events.some((event) => event.event === 'step' && event.step === step + 1));
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** One push as frames, which the server answers with an outcome or a refusal. */
interface RawPush {
  write(frame: PushGradientRequest): void;
  /** Ends the stream; returns the outcome, or why it was refused. */
  end(): Promise<string>;
  cancel(): Promise<string>;
}

async function openRaw({ server }: TestServer): Promise<{ send(frames: readonly PushGradientRequest[]): RawPush; close(): void }> {
  const raw = new clients.parameterServer(`127.0.0.1:${String((await server.listen('127.0.0.1:0')).port)}`, credentials.createInsecure());
  return {
    send: (frames) => {
      let call: ClientWritableStream<PushGradientRequest> | undefined;
      const answer = new Promise<string>((resolve) => {
        call = raw.pushGradient((error: { details: string } | null, reply?: PushGradientReply__Output) => { resolve(error === null ? (reply?.outcome ?? '') : error.details); });
        for (const frame of frames) call.write(frame);
      });
      return {
        write: (frame) => { call?.write(frame); },
        end: () => {
          call?.end();
          return answer;
        },
        cancel: () => {
          call?.cancel();
          return answer;
        },
      };
    },
    close: () => { raw.close(); },
  };
}

/** Header, its one chunk, and commit. */
function framesOf({ header, payload }: PreparedPush): [PushGradientRequest, PushGradientRequest, PushGradientRequest] {
  const [chunk, ...more] = tensorChunks(payload);
  if (more.length > 0) throw new Error('expected a payload of one chunk');
  return [{ header }, { chunk }, { commit: { totalBytes: payload.byteLength, sha256: createHash('sha256').update(payload).digest() } }];
}

function changed({ header, payload }: PreparedPush, change: (bytes: Uint8Array) => void): PreparedPush {
  const bytes = payload.slice();
  change(bytes);
  return { header, payload: bytes };
}
