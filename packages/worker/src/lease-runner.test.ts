import { BpttError } from '@bptt/core';
import type { ServerCommand__Output } from '@bptt/rpc';
import { describe, expect, it } from 'vitest';
import { computeSequentially, fromZeros, seededMicroshard } from './testing/fixtures.js';
import { leaseOf, parametersAt, scriptedServer, type Script, type Stream } from './testing/scripted-server.js';
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
  const memories: (ArrayBufferLike | undefined)[] = [];
  const offered: number[] = [];
  const { connection, calls } = scriptedServer({
    copies: true, ...script,
    onMessage({ event }, count, stream) {
      if (event !== 'ready') return;
      onReady?.(count, stream);
      stream.command(count <= steps.length ? lease(count, steps[count - 1]) : FINISH);
    },
    async pull(step, count, into) {
      if (!memories.includes(into?.buffer)) memories.push(into?.buffer);
      offered.push(memories.indexOf(into?.buffer));
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

  it('are not pulled into the memory of a pull that was given up and still writes', async () => {
    const streams: Stream[] = [];
    const late: (() => void)[] = [];
    const pull: Script['pull'] = (step, _count, into) => {
      if (step === 9) {
        streams[0].command({ command: 'revoke', revoke: { leaseId: 3 } });
        return new Promise((_resolve, reject) => {
          late.push(() => {
            into?.fill(0xff);
            reject(new BpttError('unavailable', 'much too late'));
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
