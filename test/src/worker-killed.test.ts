import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runTestWorker, startTestServer, undisturbedSha256 } from './support/cluster.js';

const STEPS = 6;

test('a worker killed between its first chunk and its commit, and another that joins late, change nothing', async () => {
  const expected = await undisturbedSha256(STEPS);
  const cluster = await startTestServer({ steps: STEPS });
  try {
    const stuck = spawn(process.execPath, [join(import.meta.dirname, 'support/stuck-worker.mjs'), cluster.address], { stdio: 'inherit' });
    const exited = once(stuck, 'exit');
    const begun = await cluster.waitFor('push-begun');
    expect(begun.step).toBe(0);
    const late = runTestWorker(cluster.address, { threads: 2 });
    stuck.kill('SIGKILL');
    await exited;
    const result = await cluster.server.finished;
    await late;

    expect(result.outcome).toBe('finished');
    expect(result.parametersSha256).toBe(expected);
    const expired = cluster.events.filter(({ event }) => event === 'lease-expired');
    expect(expired).toHaveLength(1);
    expect(expired[0]).toMatchObject({ workerId: begun.workerId, step: 0, node: begun.node });
  } finally {
    await cluster.stop();
  }
});

test('a worker that is stopped, not dead, loses its lease on the clock of the server', async () => {
  const expected = await undisturbedSha256(STEPS);
  const cluster = await startTestServer({ steps: STEPS, timing: { leaseFloorMs: 1500 } });
  try {
    const stuck = spawn(process.execPath, [join(import.meta.dirname, 'support/stuck-worker.mjs'), cluster.address], { stdio: 'inherit' });
    const exited = once(stuck, 'exit');
    await cluster.waitFor('push-begun');
    stuck.kill('SIGSTOP');
    await runTestWorker(cluster.address);
    const result = await cluster.server.finished;
    stuck.kill('SIGKILL');
    await exited;

    expect(result.outcome).toBe('finished');
    expect(result.parametersSha256).toBe(expected);
    expect(cluster.events.filter(({ event }) => event === 'lease-expired')).not.toHaveLength(0);
  } finally {
    await cluster.stop();
  }
});
