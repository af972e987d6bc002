import { BpttError, stateSize } from '@bptt/core';
import { PROTOCOL_VERSION_MAX, type ServerCommand__Output } from '@bptt/rpc';
import { describe, expect, it } from 'vitest';
import type { Backoff } from './backoff.js';
import { BACKEND_ID, computeSequentially, fromZeros, MODEL, seededMicroshard } from './testing/fixtures.js';
import { healthyInfo, leaseOf, parametersAt, RUN_ID, scriptedServer, type Script, type ScriptedServer, type Stream } from './testing/scripted-server.js';
import { runWorker, type WorkerOptions, type WorkerResult } from './worker.js';
import type { WorkerProgress } from './worker-event.js';

const QUICK: Backoff = { firstMs: 1, mostMs: 2, failuresMax: 3 };
const FINISH: ServerCommand__Output = { command: 'drain', drain: { finished: true, reason: 'all steps done' } };
const microshards = [0, 1].map(seededMicroshard);
const unavailable = (): BpttError => new BpttError('unavailable', 'nobody listens');

const lease = (leaseId: number, step = 7): ServerCommand__Output => ({ command: 'lease', lease: leaseOf(leaseId, step, microshards) });

/** Sends one command for each time that the worker says it is ready. */
const onReady = (...commands: readonly ServerCommand__Output[]): Pick<Script, 'onMessage'> => ({
  onMessage({ event }, count, stream) {
    if (event === 'ready') stream.command(commands[count - 1]);
  },
});

interface Run extends ScriptedServer {
  readonly events: WorkerProgress[];
  readonly result: Promise<WorkerResult>;
}

function start(script: Script, options: Partial<WorkerOptions> = {}): Run {
  const server = scriptedServer(script);
  const events: WorkerProgress[] = [];
  const result = runWorker({
    connection: server.connection, threads: 1, name: 'test', signal: new AbortController().signal,
    onEvent: (event) => { events.push(event); },
    callBackoff: QUICK, reconnectBackoff: QUICK, ...options,
  });
  return { ...server, events, result };
}

describe('worker', () => {
  it('joins, computes what it is leased, pushes it, and leaves when drained', async () => {
    const { result, calls, events } = start(onReady(lease(41), FINISH), { backend: 'reference', name: 'here' });
    expect(await result).toEqual({ finished: true, reason: 'all steps done', microshardsDone: 2 });
    expect(calls.joins).toEqual([{ protocolVersion: PROTOCOL_VERSION_MAX, backendId: BACKEND_ID, manifestSha256: healthyInfo().manifest?.sha256, threads: 1, name: 'here', executes: 'plain TypeScript, float32' }]);
    const expected = await computeSequentially({ begin: 0, width: 2 }, fromZeros(microshards), { parameters: parametersAt(7) });
    expect(calls.pushes).toHaveLength(1);
    const { header, payload } = calls.pushes[0];
    expect(Buffer.from(payload).equals(expected.encodedGradient)).toBe(true);
    expect(header).toEqual({
      runId: RUN_ID, workerId: 'worker-1', generation: 1, leaseId: 41, kind: 'LEASE_KIND_TRAIN', step: 7, nodeBegin: 0, nodeWidth: 2,
      totalBytes: payload.length, gradientBytes: payload.length, stateBytes: 0, lossSum: expected.lossSum, tokens: 12, sequences: 3,
    });
    expect(calls.log).toEqual(['join', 'ready', 'push', 'ready', 'leave']);
    expect(calls.leaves).toEqual([{ workerId: 'worker-1', generation: 1 }]);
    expect(events).toEqual([
      { event: 'joined', workerId: 'worker-1', backendId: BACKEND_ID, executes: 'plain TypeScript, float32', threads: 1, exchanges: false },
      { event: 'lease', leaseId: 41, kind: 'gradient', step: 7, nodeBegin: 0, nodeWidth: 2 },
      { event: 'pushed', step: 7, outcome: 'COMMITTED' },
      { event: 'left', reason: 'all steps done' },
    ]);
  });

  it('pulls parameters once, whatever step and kind of lease they are named in, and others again', async () => {
    const evaluation: ServerCommand__Output = { command: 'lease', lease: { ...leaseOf(2, 7, microshards), kind: 'LEASE_KIND_EVALUATE' } };
    const unchanged: ServerCommand__Output = { command: 'lease', lease: { ...leaseOf(3, 7, microshards), step: 8 } };
    const { result, calls } = start(onReady(lease(1, 7), evaluation, unchanged, lease(4, 9), FINISH));
    expect((await result).microshardsDone).toBe(8);
    expect(calls.pulls).toEqual([7, 9]);
    expect(calls.pushes.map(({ header }) => header.kind)).toEqual(['LEASE_KIND_TRAIN', 'LEASE_KIND_EVALUATE', 'LEASE_KIND_TRAIN', 'LEASE_KIND_TRAIN']);
    expect(calls.pushes[1].payload).toHaveLength(0);
    expect(calls.pushes[1].header.lossSum).toBe(calls.pushes[0].header.lossSum);
  });

  it('pulls again what is in memory no longer', async () => {
    const { result, calls } = start({ ...onReady(lease(1), lease(2), FINISH), isHeld: () => false });
    await result;
    expect(calls.pulls).toEqual([7, 7]);
  });

  it.each(['DUPLICATE', 'STALE', 'FENCED'] as const)('is ready for the next lease after a push that was %s', async (outcome) => {
    const { result, calls, events } = start({ ...onReady(lease(1), FINISH), push: () => Promise.resolve(`PUSH_OUTCOME_${outcome}` as const) });
    await result;
    expect(events).toContainEqual({ event: 'pushed', step: 7, outcome });
    expect(calls.log).toEqual(['join', 'ready', 'push', 'ready', 'leave']);
  });

  it('gives up a lease that is revoked, and asks for another', async () => {
    const streams: Stream[] = [];
    const { result, calls } = start({
      onMessage({ event }, count, stream) {
        streams.push(stream);
        if (event === 'ready') stream.command(count === 1 ? lease(5) : FINISH);
      },
      pull() {
        streams[0].command({ command: 'revoke', revoke: { leaseId: 4 } });
        streams[0].command({ command: 'revoke', revoke: { leaseId: 5 } });
        return new Promise(() => undefined);
      },
    });
    expect((await result).finished).toBe(true);
    expect(calls.log).toEqual(['join', 'ready', 'ready', 'leave']);
  });

  it('drops a lease whose parameters the server no longer holds', async () => {
    const { result, calls } = start({ ...onReady(lease(1), FINISH), pull: () => Promise.reject(new BpttError('aborted', 'step 7 is over')) });
    await result;
    expect(calls.log).toEqual(['join', 'ready', 'ready', 'leave']);
  });

  it('refuses a second lease while it serves one', async () => {
    const { result, calls } = start({
      onMessage({ event }, count, stream) {
        if (event !== 'ready') return;
        stream.command(count === 1 ? lease(1) : FINISH);
        if (count === 1) stream.command(lease(2));
      },
    });
    await result;
    expect(calls.messages).toContainEqual({ event: 'leaseFailed', leaseFailed: { leaseId: 2, reason: 'busy with lease 1' } });
    expect(calls.pushes.map(({ header }) => header.leaseId)).toEqual([1]);
  });

  it('sends heartbeats with the microshards that it has computed', async () => {
    const { result, calls } = start({
      onMessage(message, count, stream) {
        if (message.event === 'ready' && count === 1) stream.command(lease(1));
        if (message.heartbeat?.microshardsDone === 2) stream.command(FINISH);
      },
    });
    await result;
    expect(calls.messages).toContainEqual({ event: 'heartbeat', heartbeat: { microshardsDone: 2 } });
  });

  it('leaves at once when it is stopped in the middle of a lease', async () => {
    const controller = new AbortController();
    const { result, calls, events } = start({
      ...onReady(lease(1)),
      pull() {
        controller.abort();
        return new Promise(() => undefined);
      },
    }, { signal: controller.signal });
    expect(await result).toEqual({ finished: false, reason: 'stopped', microshardsDone: 0 });
    expect(calls.log).toEqual(['join', 'ready', 'leave']);
    expect(events.at(-1)).toEqual({ event: 'left', reason: 'stopped' });
  });

  it('ends as drained even where the server does not hear it leave', async () => {
    const { result, events } = start({ ...onReady(FINISH), leave: () => Promise.reject(unavailable()) });
    expect((await result).finished).toBe(true);
    expect(events).toContainEqual({ event: 'warning', message: 'leaving failed: nobody listens' });
  });

  it('does not join a run that is over', async () => {
    const { result, calls } = start({ getInfo: () => Promise.resolve({ ...healthyInfo(), state: 'RUN_STATE_FINISHED' }) });
    expect(await result).toEqual({ finished: true, reason: 'the run is finished', microshardsDone: 0 });
    expect(calls.joins).toHaveLength(0);
  });

  it('does not try again where the run ended between the last answer and its request', async () => {
    let isOver = false;
    const { result, calls, events } = start({
      getInfo: () => Promise.resolve({ ...healthyInfo(), state: isOver ? 'RUN_STATE_FINISHED' : 'RUN_STATE_TRAINING' }),
      join: () => {
        isOver = true;
        throw new BpttError('unavailable', 'the run is over: all 12 steps are done');
      },
    });
    expect(await result).toEqual({ finished: true, reason: 'the run is finished', microshardsDone: 0 });
    expect(calls.joins).toHaveLength(1);
    expect(events.filter(({ event }) => event === 'warning')).toEqual([]);
  });
});

describe('worker in trouble', () => {
  it('repeats a pull and a push that the server did not answer', async () => {
    const failTwice = (count: number): Promise<void> => (count <= 2 ? Promise.reject(unavailable()) : Promise.resolve());
    const { result, calls, events } = start({
      ...onReady(lease(1), FINISH),
      pull: (_step, count) => failTwice(count),
      push: async (_header, count) => {
        await failTwice(count);
        return 'PUSH_OUTCOME_COMMITTED';
      },
    });
    await result;
    expect(calls.log).toEqual(['join', 'ready', 'push', 'push', 'push', 'ready', 'leave']);
    expect(calls.pulls).toHaveLength(3);
    expect(events.filter(({ event }) => event === 'pushed')).toHaveLength(1);
  });

  it('joins again, as a new generation, when the control stream breaks', async () => {
    const { result, calls, events } = start({
      onMessage({ event }, count, stream) {
        if (event !== 'ready') return;
        if (count === 1) stream.command(lease(1));
        if (count === 2) stream.fail(unavailable());
        if (count === 3) stream.command(lease(2));
        if (count === 4) stream.command(FINISH);
      },
    });
    expect((await result).finished).toBe(true);
    expect(calls.log).toEqual(['join', 'ready', 'push', 'ready', 'join', 'ready', 'push', 'ready', 'leave']);
    expect(calls.pushes[1].header).toMatchObject({ workerId: 'worker-2', generation: 2, leaseId: 2 });
    // What answers now may be another server, which counts versions anew.
    expect(calls.pulls).toEqual([7, 7]);
    expect(events).toContainEqual({ event: 'warning', message: 'joining again: nobody listens' });
  });

  it('gives up with the cause when joining again does not help', async () => {
    const { result, calls } = start({
      onMessage({ event }, _count, stream) {
        if (event === 'ready') stream.fail(unavailable());
      },
    });
    await expect(result).rejects.toMatchObject({ code: 'unavailable', message: 'gave up after 3 attempts to join again: nobody listens' });
    expect(calls.joins).toHaveLength(4);
  });

  it('does not join again where the server refuses it', async () => {
    const { result, calls } = start({
      onMessage({ event }, _count, stream) {
        if (event === 'ready') stream.fail(new BpttError('permission-denied', 'token expired'));
      },
    });
    await expect(result).rejects.toMatchObject({ code: 'permission-denied', message: 'token expired' });
    expect(calls.joins).toHaveLength(1);
  });

  it('passes on why the server did not let it join', async () => {
    const join = (): never => {
      throw new BpttError('failed-precondition', 'backend: the run needs simd/1, the worker has reference/1');
    };
    await expect(start({ join }).result).rejects.toThrow('the run needs simd/1, the worker has reference/1');
  });

  it('says why it cannot compute a lease, and gives up after three in a row', async () => {
    const odd = { ...leaseOf(1, 7, microshards), nodeWidth: 0 };
    const { result, calls } = start({
      onMessage({ event }, count, stream) {
        if (event === 'ready') stream.command({ command: 'lease', lease: { ...odd, leaseId: count } });
      },
    });
    await expect(result).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringContaining('gave up after 3 failed leases in a row') as string });
    expect(calls.messages.filter(({ event }) => event === 'leaseFailed').map(({ leaseFailed }) => leaseFailed?.leaseId)).toEqual([1, 2, 3]);
    expect(calls.leaves).toHaveLength(1);
  });

  it('asks a server that is not there yet again, and joins when it answers', async () => {
    const { result } = start({ ...onReady(FINISH), getInfo: (count) => (count < 3 ? Promise.reject(unavailable()) : Promise.resolve(healthyInfo())) });
    expect((await result).finished).toBe(true);
  });

  it('gives up a server that does not answer in time', async () => {
    const { result } = start({ getInfo: () => Promise.reject(unavailable()) }, { connectTimeoutMs: 30 });
    await expect(result).rejects.toMatchObject({ code: 'unavailable', message: 'the server did not answer within 30 ms: nobody listens' });
  });

  it('ends at once when it is stopped while it waits for a server', async () => {
    const controller = new AbortController();
    const { result } = start({ getInfo: () => { controller.abort(); return new Promise(() => undefined); } }, { signal: controller.signal });
    expect(await result).toEqual({ finished: false, reason: 'stopped', microshardsDone: 0 });
  });

  it('flags an explosion and goes on', async () => {
    const message = leaseOf(1, 7, microshards);
    const states = new Float32Array(stateSize(MODEL, microshards[1].B)).fill(NaN);
    message.microshards[1].initialStates = Buffer.from(states.buffer);
    const { result, calls } = start(onReady({ command: 'lease', lease: message }, FINISH));
    await result;
    const { header, payload } = calls.pushes[0];
    expect(header.nonFinite).toEqual({ microshard: 1, sequence: 10, timeStep: 0, layer: 0, phase: 'forward' });
    expect(header).toMatchObject({ totalBytes: 0, gradientBytes: 0, lossSum: NaN, tokens: 12 });
    expect(payload).toHaveLength(0);
  });
});
