import type { ServerWritableStream } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';
import { afterEach, expect, test } from 'vitest';
import { connect, type ConnectOptions } from './connection.js';
import { toServiceError } from './errors.js';
import type { PullParametersReply } from './gen/bptt/v1/PullParametersReply.js';
import type { PullParametersRequest__Output } from './gen/bptt/v1/PullParametersRequest.js';
import type { ServerConnection } from './server-connection.js';
import { sha256Hex } from './sha256.js';
import { CHUNK_BYTES_MAX } from './tensor-codec.js';
import { startLoopbackServer } from './testing/loopback-server.js';
import { patternBytes, pullFrames, smallLayout, VERSION } from './testing/messages.js';

type PullCall = ServerWritableStream<PullParametersRequest__Output, PullParametersReply>;

const layout = smallLayout();
const open: { close(): void }[] = [];

afterEach(() => {
  for (const part of open.splice(0)) part.close();
});

/** A connection to a server whose PullParameters is `handle`. */
async function connected(handle: (call: PullCall) => void, options: ConnectOptions = {}): Promise<ServerConnection> {
  const server = await startLoopbackServer({ parameterServer: { PullParameters: handle } });
  const connection = connect(server.address, options);
  open.push(connection, server);
  return connection;
}

/** A handler that sends `frames` and ends. */
function sending(frames: PullParametersReply[]): (call: PullCall) => void {
  return (call) => {
    for (const frame of frames) call.write(frame);
    call.end();
  };
}

function withHeader(change: object): PullParametersReply[] {
  const [first, ...rest] = pullFrames(patternBytes(8), layout, 5);
  return [{ header: { ...first.header, ...change } }, ...rest];
}

test.each([4, CHUNK_BYTES_MAX, 5 * CHUNK_BYTES_MAX + 4])('%d bytes of parameters arrive in shared memory as floats', async (length) => {
  const blob = patternBytes(length);
  const requests: PullParametersRequest__Output[] = [];
  const connection = await connected((call) => {
    requests.push(call.request);
    sending(pullFrames(blob, layout, 5))(call);
  });
  const pulled = await connection.pullParameters('run', VERSION);
  expect(requests).toMatchObject([{ runId: 'run', ranges: [] }]);
  expect(requests[0].parametersVersion).toBe(VERSION);
  expect(pulled).toMatchObject({ step: 5, version: VERSION, sha256: sha256Hex(blob) });
  expect(pulled.isHeld()).toBe(true);
  const { values } = pulled;
  expect(values.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(Buffer.compare(new Uint8Array(values.buffer), blob)).toBe(0);
});

test('parameters arrive in the memory that the caller gives, wherever it lies, and what lies around them is left alone', async () => {
  const memory = new Uint8Array(new SharedArrayBuffer(64 + 20)).fill(9);
  const blob = patternBytes(12);
  const connection = await connected(sending(pullFrames(blob, layout, 5)));
  const { values } = await connection.pullParameters('run', VERSION, memory.subarray(64));
  expect(values.buffer).toBe(memory.buffer);
  expect([values.byteOffset, values.length]).toEqual([64, 3]);
  expect([...memory]).toEqual([...new Array<number>(64).fill(9), ...blob, ...new Array<number>(8).fill(9)]);
});

test('memory that is too small, or lies askew, is refused', async () => {
  const connection = await connected(sending(pullFrames(patternBytes(8), layout, 5)));
  const memory = new Uint8Array(12);
  await expect(connection.pullParameters('run', VERSION, memory.subarray(8))).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(/expected at most 4 bytes, got 8/) as string });
  await expect(connection.pullParameters('run', VERSION, memory.subarray(2))).rejects.toThrow('expected memory from a multiple of 4 bytes on, got 2');
});

test('parameters that the server does not hold are aborted, with its text', async () => {
  const connection = await connected((call) => {
    call.emit('error', toServiceError(new BpttError('aborted', 'expected step 7, got 5')));
  });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code: 'aborted', message: 'expected step 7, got 5' });
});

const [header, chunk, commit] = pullFrames(patternBytes(8), layout, 5);
test.each<[string, PullParametersReply[], string, RegExp]>([
  ['a flipped bit', [header, { chunk: { ...chunk.chunk, data: patternBytes(8).fill(9, 0, 1) } }], 'data-loss', /crc32/],
  ['another blob than its hash says', [header, chunk, { commit: { totalBytes: 8, sha256: Buffer.alloc(32) } }], 'data-loss', /expected sha256 0{64}/],
  ['other parameters', withHeader({ parametersVersion: 4 }), 'data-loss', /expected parameters of version 3, got version 4/],
  ['no commit', [header, chunk], 'data-loss', /ended before its commit/],
  ['something after the commit', [header, chunk, commit, chunk], 'invalid-argument', /expected nothing after the commit, got chunk/],
  ['missing bytes', [header, commit], 'invalid-argument', /expected 8 bytes, got 0/],
  ['bytes beyond the end', withHeader({ totalBytes: 4 }), 'invalid-argument', /expected 4 bytes, got at least 8/],
  ['a torn float', withHeader({ totalBytes: 7 }), 'invalid-argument', /expected a multiple of 4 bytes, got 7/],
  ['more than may be accepted', withHeader({ totalBytes: 2 ** 40 }), 'invalid-argument', /expected at most 1024 bytes, got 1099511627776/],
  ['a chunk before the header', [chunk], 'invalid-argument', /got chunk before the header/],
  ['two headers', [header, header], 'invalid-argument', /got header after the header/],
  ['nothing', [], 'invalid-argument', /empty stream/],
])('refuses a stream with %s', async (_, frames, code, message) => {
  const connection = await connected(sending(frames), { parameterBytesMax: 1024 });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
});

test('a refused stream is cancelled, so that the server does not go on sending', async () => {
  let cancelled: (() => void) | undefined;
  const serverSawTheEnd = new Promise<void>((resolve) => { cancelled = resolve; });
  const connection = await connected((call) => {
    call.on('cancelled', () => cancelled?.());
    call.write(chunk);
  });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code: 'invalid-argument' });
  await serverSawTheEnd;
});

test('a server that stops in the middle is given up at the deadline', async () => {
  const connection = await connected((call) => { call.write(header); }, { deadlinesMs: { pullParameters: 300 } });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code: 'deadline-exceeded', message: expect.stringMatching(/^pullParameters at /) as string });
});

test('closing the connection cancels a pull under way', async () => {
  const connection = await connected((call) => {
    call.write(header);
    setImmediate(() => { connection.close(); });
  });
  await expect(connection.pullParameters('run', VERSION)).rejects.toMatchObject({ code: 'cancelled' });
});
