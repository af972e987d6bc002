import { BpttError } from '@bptt/core';
import type { ControlChannel, PushOutcome__Output, ServerCommand__Output } from '@bptt/rpc';
import { BlockPool } from '@bptt/simd';
import { describe, expect, it } from 'vitest';
import type { ComputePool, NodeResult } from './compute-pool.js';
import { createLeaseRunner } from './lease-runner.js';
import { computeSequentially, fromZeros, MODEL, seededMicroshard } from './testing/fixtures.js';
import { leaseOf, parametersAt, RUN_ID, scriptedServer, type Script, type Stream } from './testing/scripted-server.js';
import { runWorker } from './worker.js';

const QUICK = { firstMs: 1, mostMs: 2, failuresMax: 3 };
const FINISH: ServerCommand__Output = { command: 'drain', drain: { finished: true, reason: 'all steps done' } };
const microshards = [0, 1].map(seededMicroshard);

const lease = (leaseId: number, step: number): ServerCommand__Output => ({ command: 'lease', lease: leaseOf(leaseId, step, microshards) });

interface Leased {
  /** Steps whose parameters were computed with, by the bits of what was pushed; -1 for those of none. */
  readonly pushed: number[];
  /** The memory that each pull was offered, numbered as it first came. */
  readonly offered: number[];
  readonly pulls: readonly number[];
}

/** Lets a worker compute leases of these steps, one after the other. */
async function serveLeases(steps: readonly number[], { onReady, ...script }: Script & { onReady?: (count: number, stream: Stream) => void } = {}): Promise<Leased> {
  const memories: (number | undefined)[] = [];
  const offered: number[] = [];
  const { connection, calls } = scriptedServer({
    copies: true, ...script,
    onMessage({ event }, count, stream) {
      if (event !== 'ready') return;
      onReady?.(count, stream);
      stream.command(count <= steps.length ? lease(count, steps[count - 1]) : FINISH);
    },
    async pull(step, count, into) {
      if (!memories.includes(into?.byteOffset)) memories.push(into?.byteOffset);
      offered.push(memories.indexOf(into?.byteOffset));
      await script.pull?.(step, count, into);
    },
  });
  await runWorker({ connection, threads: 1, name: 'test', signal: new AbortController().signal, onEvent: () => undefined, callBackoff: QUICK, reconnectBackoff: QUICK });
  const pushed: number[] = [];
  for (const { payload } of calls.pushes) pushed.push(await stepOf(payload));
  return { pushed, offered, pulls: calls.pulls };
}

async function stepOf(payload: Uint8Array): Promise<number> {
  for (let step = 0; step < 12; step += 1) {
    const { encodedGradient } = await computeSequentially({ begin: 0, width: 2 }, fromZeros(microshards), { parameters: parametersAt(step) });
    if (Buffer.compare(payload, encodedGradient) === 0) return step;
  }
  return -1;
}

describe('parameters that a worker pulls', () => {
  it('take turns in two memories', async () => {
    const steps = [1, 2, 3, 4, 5, 6];
    expect(await serveLeases(steps)).toEqual({ pushed: steps, pulls: steps, offered: [0, 1, 0, 1, 0, 1] });
  });

  it('are not pulled into memory where a server in the same process holds them', async () => {
    const steps = [1, 2, 3, 4];
    expect(await serveLeases(steps, { copies: false })).toEqual({ pushed: steps, pulls: steps, offered: [0, 0, 0, 0] });
  });

  it('are pulled again into the same memory after a pull that failed half way', async () => {
    const pull: Script['pull'] = (_step, count, into) => {
      if (count !== 3) return Promise.resolve();
      into?.fill(0xff);
      return Promise.reject(new BpttError('unavailable', 'torn'));
    };
    expect(await serveLeases([1, 2, 3, 4], { pull })).toEqual({ pushed: [1, 2, 3, 4], pulls: [1, 2, 3, 3, 4], offered: [0, 1, 0, 0, 1] });
  });

  it('are held, and right, after a pull of others that failed for good', async () => {
    const pull: Script['pull'] = (step, _count, into) => {
      if (step !== 9) return Promise.resolve();
      into?.fill(0xff);
      return Promise.reject(new BpttError('aborted', 'step 9 is over'));
    };
    // What was in the memory that the failed pull wrote is pulled again.
    expect(await serveLeases([1, 2, 9, 2, 1, 3], { pull })).toEqual({ pushed: [1, 2, 2, 1, 3], pulls: [1, 2, 9, 1, 3], offered: [0, 1, 0, 0, 1] });
  });

  it.each(['fails', 'works'] as const)('are not pulled into the memory of a pull that was given up, still writes, and %s much too late', async (ends) => {
    const streams: Stream[] = [];
    const late: (() => void)[] = [];
    const pull: Script['pull'] = (step, _count, into) => {
      if (step === 9) {
        streams[0].command({ command: 'revoke', revoke: { leaseId: 3 } });
        return new Promise((resolve, reject) => {
          late.push(() => {
            into?.fill(0xff);
            if (ends === 'fails') reject(new BpttError('unavailable', 'much too late'));
            else resolve();
          });
        });
      }
      return Promise.resolve();
    };
    const onReady = (count: number, stream: Stream): void => {
      streams.push(stream);
      // The third lease is given up; its pull writes while later ones hold what was pulled.
      if (count === 6) for (const write of late) write();
    };
    const { pushed, offered } = await serveLeases([1, 2, 9, 3, 4, 4, 5, 6, 7], { pull, onReady });
    expect(pushed).toEqual([1, 2, 3, 4, 4, 5, 6, 7]);
    expect(offered.slice(0, 5)).toEqual([0, 1, 0, 2, 1]);
    expect(new Set(offered).size).toBe(3);
  });
});

describe('memory of a payload', () => {
  /** Serves one lease whose push is `push`, with a pool that counts releases; `revoke` gives the lease up. */
  function serveOne(push: () => Promise<PushOutcome__Output>): { released: () => number; ready: Promise<void>; revoke: () => void } {
    let releases = 0;
    let isReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => { isReady = resolve; });
    const result: NodeResult = {
      lossSum: 1, tokens: 1, sequences: 1, payload: new Uint8Array(8), gradientBytes: 8, stateBytes: 0, nonFinite: undefined, release: () => { releases += 1; },
    };
    const pool: ComputePool = { threads: 1, executes: 'nothing', microshardsDone: 0, parameterBlocks: new BlockPool(1, { allocate: (bytes) => new Uint8Array(bytes) }), compute: () => Promise.resolve(result), dispose: () => Promise.resolve() };
    const { connection } = scriptedServer({ push });
    const channel: ControlChannel = { send: ({ event }) => { if (event === 'ready') isReady(); }, commands: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }, close: () => undefined };
    const ends = { broken: () => undefined, failed: () => undefined };
    const worker = { workerId: 'w1', generation: 1 };
    const runner = createLeaseRunner({ connection, worker, runId: RUN_ID, model: MODEL, pool, cache: { held: undefined }, callBackoff: QUICK, onEvent: () => undefined }, channel, ends);
    runner.begin(leaseOf(1, 2, microshards));
    return { released: () => releases, ready, revoke: () => { runner.revoke(1); } };
  }

  it.each<[string, () => Promise<PushOutcome__Output>]>([
    ['was committed', () => Promise.resolve('PUSH_OUTCOME_COMMITTED')],
    ['was stale', () => Promise.resolve('PUSH_OUTCOME_STALE')],
    ['was refused', () => Promise.reject(new BpttError('invalid-argument', 'no'))],
  ])('comes back once after a push that %s', async (_what, push) => {
    const { released, ready } = serveOne(push);
    await ready;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(released()).toBe(1);
  });

  it('comes back after a push that was given up, but only when that reads no more', async () => {
    let end: (error: Error) => void = () => undefined;
    let begun: () => void = () => undefined;
    const pushing = new Promise<void>((resolve) => { begun = resolve; });
    const { released, ready, revoke } = serveOne(() => new Promise((_resolve, reject) => {
      end = reject;
      begun();
    }));
    await pushing;
    revoke();
    await ready;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(released()).toBe(0);
    end(new BpttError('cancelled', 'at last'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(released()).toBe(1);
  });
});
