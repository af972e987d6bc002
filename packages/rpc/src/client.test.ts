import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpttClient } from './client.js';
import { toServiceError } from './errors.js';
import { BpttError } from '@bptt/core';
import type { ServerInfo } from './gen/bptt/v1/ServerInfo.js';
import { manifestOf } from './manifest.js';
import { sha256Hex } from './sha256.js';
import { bytesOf } from './tensor-codec.js';
import { startLoopbackServer, type LoopbackServer } from './testing/loopback-server.js';
import { pullFrames, smallLayout } from './testing/messages.js';

const layout = smallLayout();
const values = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 9]);
const info: ServerInfo = { runId: 'run', backendId: 'simd/1', state: 'RUN_STATE_TRAINING', step: 12, manifest: manifestOf(layout) };

let server: LoopbackServer;

beforeAll(async () => {
  server = await startLoopbackServer({
    parameterServer: {
      GetInfo: (_, reply) => { reply(null, info); },
      PullParameters: (call) => {
        const { runId, step = 12 } = call.request;
        if (runId !== 'run' || step > 12) {
          call.emit('error', toServiceError(new BpttError('aborted', `expected step 12 of run, got ${String(step)} of ${runId}`)));
          return;
        }
        // Step 3 comes by another manifest, as if the server had been replaced between the two calls.
        for (const frame of pullFrames(bytesOf(values), step === 3 ? { tensors: [], size: 0 } : layout, step)) call.write(frame);
        call.end();
      },
    },
    admin: { GetStatus: (_, reply) => { reply(null, { runId: 'run', stepsTotal: 40 }); } },
    health: {
      Check: ({ request }, reply) => {
        if (request.service === 'bptt.v1.ParameterServer') reply(null, { status: 'SERVING' });
        else reply(toServiceError(new BpttError('not-found', `no service ${request.service}`)));
      },
    },
  });
});

afterAll(() => {
  server.close();
});

/** Runs `use` with a client, as a program would. */
async function withClient<R>(use: (client: BpttClient) => Promise<R>): Promise<R> {
  const client = new BpttClient(server.address);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

describe('BpttClient', () => {
  it('is used as its documentation shows', async () => {
    const client = new BpttClient(server.address);
    const { state, step } = await client.getInfo();
    const { tensors } = await client.parameters();
    client.close();
    expect({ state, step }).toEqual({ state: 'RUN_STATE_TRAINING', step: 12 });
    expect([...tensors.keys()]).toEqual(['rnn.weight_ih_l0', 'decoder.bias']);
  });

  it('gives the newest parameters by PyTorch\'s names, in PyTorch\'s orientation, with the hash of the run', async () => {
    const { step, sha256, tensors } = await withClient((client) => client.parameters());
    expect(step).toBe(12);
    expect(sha256).toBe(sha256Hex(bytesOf(values)));
    expect(tensors.get('rnn.weight_ih_l0')).toEqual({ shape: [2, 3], values: new Float32Array([1, 3, 5, 2, 4, 6]) });
    expect(tensors.get('decoder.bias')).toEqual({ shape: [3], values: new Float32Array([7, 8, 9]) });
  });

  it('gives the parameters of the step that was asked for', async () => {
    expect((await withClient((client) => client.parameters(0))).step).toBe(0);
    await expect(withClient((client) => client.parameters(13))).rejects.toMatchObject({ code: 'aborted', message: 'expected step 12 of run, got 13 of run' });
  });

  it('refuses parameters that were laid out by another manifest', async () => {
    await expect(withClient((client) => client.parameters(3))).rejects.toMatchObject({ code: 'failed-precondition' });
  });

  it('reads status and health', async () => {
    await withClient(async (client) => {
      expect(await client.getStatus()).toMatchObject({ runId: 'run', stepsTotal: 40 });
      expect(await client.health()).toBe('SERVING');
      await expect(client.health('other')).rejects.toMatchObject({ code: 'not-found', message: 'no service other' });
    });
  });

  it('says that nobody listens', async () => {
    const gone = await startLoopbackServer({});
    gone.close();
    const client = new BpttClient(gone.address);
    await expect(client.parameters()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(gone.address) as string });
    client.close();
  });
});
