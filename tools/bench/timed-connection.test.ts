import { describe, expect, it } from 'vitest';
import type { PushHeader__Output, ServerConnection } from '@bptt/rpc';
import { LeaseClock } from './timed-connection.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

describe('the clock of a worker', () => {
  it('tells pull, compute and push of each lease', async () => {
    const given: unknown[] = [];
    const server: Partial<ServerConnection> = {
      pullParameters: async (_runId, version, into) => {
        given.push(into);
        await pause(20);
        return { version, step: 0, values: new Float32Array(), isHeld: () => true };
      },
      pushGradient: async () => {
        await pause(40);
        return { outcome: 'PUSH_OUTCOME_COMMITTED', currentStep: 8 };
      },
    };
    const leases: Record<string, unknown>[] = [];
    const clock = new LeaseClock(server as ServerConnection, (parts) => { leases.push({ ...parts }); });
    const header = { kind: 'LEASE_KIND_TRAIN', step: 7 } as PushHeader__Output;
    clock.begin();
    const into = new Uint8Array(4);
    await clock.connection.pullParameters('run', 3, into);
    expect(given).toEqual([into]);
    await pause(60);
    await clock.connection.pushGradient(header, new Uint8Array());
    clock.begin();
    await clock.connection.pushGradient(header, new Uint8Array());
    const [first, second] = leases;
    expect(first).toMatchObject({ kind: 'LEASE_KIND_TRAIN', step: 7 });
    expect([first['pullMs'], first['computeMs'], first['pushMs']].map((ms) => Number(ms) > 15)).toEqual([true, true, true]);
    expect(Number(first['computeMs'])).toBeGreaterThan(Number(first['pullMs']));
    expect(second).toMatchObject({ pullMs: 0 });
  });
});
