import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BpttClient } from '@bptt/rpc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './support/cluster.js';

const PYTHON = '/usr/bin/python3';

/** Why the Python client cannot run here, or undefined where it can. */
function reasonNotToRunPython(): string | undefined {
  try {
    execFileSync(PYTHON, ['-c', 'import grpc, google.protobuf'], { stdio: 'pipe' });
    execFileSync('protoc', ['--version'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    return `needs Debian's python3-grpcio, python3-protobuf and protobuf-compiler: ${text ?? ''}`;
  }
}

describe('clients of a parameter server', () => {
  let cluster: TestServer;
  beforeAll(async () => { cluster = await startTestServer({ steps: 1 }); });
  afterAll(async () => { await cluster.stop(); });

  test('the typed client reads what runs, how it goes, and the parameters by name', async () => {
    const client = new BpttClient(cluster.address);
    const info = await client.getInfo();
    expect(info).toMatchObject({ backendId: 'simd/3', objective: { truncation: 'full' }, microshards: 8, state: 'RUN_STATE_TRAINING' });
    expect(await client.health()).toBe('SERVING');
    expect(await client.getStatus()).toMatchObject({ runId: info.runId, stepAcknowledged: 0, stepsTotal: 1, workers: [] });
    const { tensors, step } = await client.parameters();
    expect(step).toBe(0);
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ['rnn.weight_ih_l0', [16, 40]], ['rnn.weight_hh_l0', [16, 16]], ['rnn.bias_ih_l0', [16]], ['rnn.bias_hh_l0', [16]],
      ['decoder.weight', [40, 16]], ['decoder.bias', [40]],
    ]);
    client.close();
  });

  const reason = reasonNotToRunPython();
  if (reason !== undefined) console.warn(`skipped: the Python client ${reason}`);
  test.skipIf(reason !== undefined)('a Python client, from the protos alone, checks health, GetInfo and the hashes of PullParameters', async () => {
    const { stdout } = await promisify(execFile)(PYTHON, [join(import.meta.dirname, '../../tools/python/check_server.py'), cluster.address]);
    const { sha256 } = await new BpttClient(cluster.address).parameters();
    expect(JSON.parse(stdout)).toMatchObject({ health: 'SERVING', parametersSha256: sha256 });
  });
});
