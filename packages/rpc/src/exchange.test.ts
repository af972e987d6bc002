import { BpttError } from '@bptt/core';
import { afterEach, expect, test } from 'vitest';
import { connect } from './connection.js';
import { toServiceError } from './errors.js';
import type { PushGradientRequest__Output } from './gen/bptt/v1/PushGradientRequest.js';
import type { ServerConnection } from './server-connection.js';
import { SharedFile } from './shared-file.js';
import { bytesOf } from './tensor-codec.js';
import { startLoopbackServer, type LoopbackServer } from './testing/loopback-server.js';
import { patternBytes, pullFrames, pushHeader, smallLayout, VERSION } from './testing/messages.js';

const JOIN = { protocolVersion: 2, backendId: 'simd/3', manifestSha256: Buffer.alloc(32), threads: 1, name: 'here', executes: 'nothing' };
const values = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 9]);
const open: { close(): void }[] = [];
afterEach(() => { for (const part of open.splice(0)) part.close(); });

interface Script {
  /** What PlaceParameters does before it answers. */
  readonly place?: (file: SharedFile) => Promise<void>;
  readonly totalBytes?: number;
}

interface Exchanging {
  readonly connection: ServerConnection;
  readonly gradients: SharedFile;
  readonly frames: PushGradientRequest__Output[];
  readonly warnings: string[];
  readonly calls: string[];
}

/** A worker that has joined a server with which it exchanges files. */
async function exchanging({ place = (file) => file.write(VERSION, bytesOf(values)), totalBytes = values.byteLength }: Script = {}): Promise<Exchanging> {
  const [parameters, gradients] = [SharedFile.create(), SharedFile.create()];
  if (parameters === undefined || gradients === undefined) throw new Error('no files here');
  const [frames, warnings, calls]: [PushGradientRequest__Output[], string[], string[]] = [[], [], []];
  const server: LoopbackServer = await startLoopbackServer({
    parameterServer: {
      Join: (_, reply) => { reply(null, { workerId: 'w1', generation: 1, exchange: { parameters: parameters.offer, gradients: gradients.offer } }); },
      PlaceParameters: (_, reply) => {
        calls.push('place');
        place(parameters).then(() => { reply(null, { step: 5, totalBytes }); }, (error: unknown) => { reply(toServiceError(error)); });
      },
      PullParameters: (call) => {
        calls.push('pull');
        for (const frame of pullFrames(bytesOf(values), smallLayout(), 5)) call.write(frame);
        call.end();
      },
      PushGradient: (call, reply) => {
        call.on('data', (frame: PushGradientRequest__Output) => { frames.push(frame); });
        call.on('end', () => { reply(null, { outcome: 'PUSH_OUTCOME_COMMITTED' }); });
      },
    },
  });
  const connection = connect(server.address, { onWarning: (message) => { warnings.push(message); } });
  open.push(connection, server, parameters, gradients);
  expect((await connection.join(JOIN)).exchange).not.toBeNull();
  return { connection, gradients, frames, warnings, calls };
}

test('parameters come through the file, into the memory that the caller offers', async () => {
  const { connection, calls } = await exchanging();
  const into = new Uint8Array(new SharedArrayBuffer(64 + values.byteLength)).subarray(64);
  const pulled = await connection.pullParameters('run', VERSION, into);
  expect(pulled).toMatchObject({ version: VERSION, step: 5, values });
  expect([pulled.values.buffer, pulled.values.byteOffset]).toEqual([into.buffer, 64]);
  expect(calls).toEqual(['place']);
});

test('a gradient lies in the file, under its lease, when the server hears of it', async () => {
  const { connection, gradients, frames } = await exchanging();
  const payload = patternBytes(1_000_000);
  expect(await connection.pushGradient(pushHeader(payload.length), payload)).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
  expect(frames.map(({ frame }) => frame)).toEqual(['header', 'placed']);
  expect(frames[1].placed).toEqual({ totalBytes: payload.length });
  const arrived = new Uint8Array(payload.length);
  expect(await gradients.read(pushHeader(0).leaseId, arrived)).toBe(true);
  expect(Buffer.compare(arrived, payload)).toBe(0);
});

test('a push without payload is as ever', async () => {
  const { connection, frames } = await exchanging();
  await connection.pushGradient(pushHeader(0), new Uint8Array());
  expect(frames.map(({ frame }) => frame)).toEqual(['header', 'commit']);
});

test('parameters of another version than was asked for are aborted', async () => {
  const { connection } = await exchanging({ place: (file) => file.write(VERSION + 1, bytesOf(values)) });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code: 'aborted' });
});

test.each([[2 ** 40], [35]])('a length of %d bytes is refused', async (totalBytes) => {
  const { connection } = await exchanging({ totalBytes });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code: 'invalid-argument' });
});

test('what the server refuses stays refused', async () => {
  const { connection, calls } = await exchanging({ place: () => Promise.reject(new BpttError('aborted', 'not held')) });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code: 'aborted', message: 'not held' });
  expect(calls).toEqual(['place']);
});

test('an exchange that fails is given up with a warning, and everything goes through gRPC from then on', async () => {
  const { connection, warnings, calls, frames } = await exchanging({ place: () => Promise.reject(new BpttError('resource-exhausted', 'shared file: ENOSPC')) });
  expect((await connection.pullParameters('run', VERSION)).values).toEqual(values);
  expect((await connection.pullParameters('run', VERSION)).values).toEqual(values);
  await connection.pushGradient(pushHeader(4), new Uint8Array(4));
  expect(calls).toEqual(['place', 'pull', 'pull']);
  expect(frames.map(({ frame }) => frame)).toEqual(['header', 'chunk', 'commit']);
  expect(warnings).toEqual(['no exchange through memory any more, tensors go through gRPC: shared file: ENOSPC']);
});

test('a worker that does not want to, or cannot open the files, says so by its reply', async () => {
  const parameters = SharedFile.create();
  if (parameters === undefined) throw new Error('no files here');
  const server = await startLoopbackServer({
    parameterServer: { Join: ({ request }, reply) => { reply(null, { workerId: 'w1', exchange: { parameters: parameters.offer, gradients: request.name === 'far' ? { path: '/proc/1/fd/1000000', nonce: Buffer.alloc(16) } : parameters.offer } }); } },
  });
  const [willing, unwilling] = [connect(server.address), connect(server.address, { exchanges: false })];
  open.push(willing, unwilling, server, parameters);
  expect((await willing.join({ ...JOIN, name: 'far' })).exchange).toBeNull();
  expect((await unwilling.join(JOIN)).exchange).toBeNull();
});
