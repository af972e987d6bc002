import type { ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';
import { afterEach, expect, test } from 'vitest';
import { BlobAssembler } from './blob-assembler.js';
import { WINDOW_BYTES } from './channel-options.js';
import { connect, type ConnectOptions } from './connection.js';
import { toServiceError } from './errors.js';
import type { PushGradientReply } from './gen/bptt/v1/PushGradientReply.js';
import type { PushGradientRequest__Output } from './gen/bptt/v1/PushGradientRequest.js';
import type { ServerConnection } from './server-connection.js';
import { CHUNK_BYTES_MAX } from './tensor-codec.js';
import { startLoopbackServer, type LoopbackServer } from './testing/loopback-server.js';
import { patternBytes, pushHeader } from './testing/messages.js';

type PushCall = ServerReadableStream<PushGradientRequest__Output, PushGradientReply>;

const COMMITTED: PushGradientReply = { outcome: 'PUSH_OUTCOME_COMMITTED', currentStep: 3 };
/** More than the flow-control windows hold. */
const LONG = 20 * CHUNK_BYTES_MAX;
const open: { close(): void }[] = [];

afterEach(() => {
  for (const part of open.splice(0)) part.close();
});

/** A server whose PushGradient is `handle`, and a connection to it. */
async function connected(
  handle: (call: PushCall, reply: sendUnaryData<PushGradientReply>) => void, options: ConnectOptions = {},
): Promise<ServerConnection> {
  const server: LoopbackServer = await startLoopbackServer({ parameterServer: { PushGradient: handle } });
  const connection = connect(server.address, options);
  open.push(connection, server);
  return connection;
}

/** What a server does with an honest push: puts it together and verifies it. */
async function receive(call: PushCall): Promise<Uint8Array> {
  let blob: BlobAssembler | undefined;
  for await (const { frame, header, chunk, commit } of call as AsyncIterable<PushGradientRequest__Output>) {
    if (frame === 'header' && header) blob = new BlobAssembler(header.totalBytes);
    else if (frame === 'chunk' && chunk) blob?.add(chunk);
    else if (commit && blob) return blob.finish(commit);
  }
  throw new BpttError('cancelled', 'no commit');
}

function answering(received: (payload: Uint8Array) => void): (call: PushCall, reply: sendUnaryData<PushGradientReply>) => void {
  return (call, reply) => {
    receive(call).then((payload) => {
      received(payload);
      reply(null, COMMITTED);
    }, (error: unknown) => {
      reply(toServiceError(error));
    });
  };
}

test.each([0, 4, CHUNK_BYTES_MAX, 5 * CHUNK_BYTES_MAX + 3])('a payload of %d bytes arrives as it was sent', async (length) => {
  const payload = patternBytes(length);
  const arrived: Uint8Array[] = [];
  const connection = await connected(answering((bytes) => arrived.push(bytes)));
  expect(await connection.pushGradient(pushHeader(length), payload)).toEqual(COMMITTED);
  expect(arrived).toHaveLength(1);
  expect(Buffer.compare(arrived[0], payload)).toBe(0);
});

test('the header arrives first and whole', async () => {
  const first: PushGradientRequest__Output[] = [];
  const connection = await connected((call, reply) => {
    call.once('data', (frame: PushGradientRequest__Output) => {
      first.push(frame);
      reply(null, COMMITTED);
    });
  });
  await connection.pushGradient(pushHeader(8), new Uint8Array(8));
  expect(first).toEqual([{ header: pushHeader(8), frame: 'header' }]);
});

test('a server that does not read stops its client, and gets everything once it reads', async () => {
  const payload = patternBytes(LONG);
  let sentBytes = 0;
  let proceed: (() => void) | undefined;
  const arrived: Uint8Array[] = [];
  const connection = await connected((call, reply) => {
    proceed = () => {
      answering((bytes) => arrived.push(bytes))(call, reply);
    };
  }, { afterChunk: (bytes) => Promise.resolve(void (sentBytes = bytes)) });
  const pushed = connection.pushGradient(pushHeader(payload.byteLength), payload);
  await standstill(() => sentBytes);
  expect(sentBytes).toBeGreaterThan(0);
  // The windows of the connection, the queue of the server's stream, and what grpc-js holds back to repeat: far below the payload.
  expect(sentBytes).toBeLessThanOrEqual(2 * WINDOW_BYTES);
  proceed?.();
  expect(await pushed).toEqual(COMMITTED);
  expect(Buffer.compare(arrived[0], payload)).toBe(0);
});

test('the server\'s refusal reaches the client while it is still sending, which then stops', async () => {
  const payload = new Uint8Array(LONG);
  let sentBytes = 0;
  const connection = await connected((call, reply) => {
    call.once('data', () => {
      call.pause();
      reply(toServiceError(new BpttError('invalid-argument', 'header: expected step 4, got 3')));
    });
  }, { afterChunk: (bytes) => Promise.resolve(void (sentBytes = bytes)) });
  await expect(connection.pushGradient(pushHeader(payload.byteLength), payload)).rejects.toMatchObject({ code: 'invalid-argument', message: 'header: expected step 4, got 3' });
  expect(sentBytes).toBeLessThan(payload.byteLength);
});

test('an answer before the commit ends the push', async () => {
  const stale: PushGradientReply = { outcome: 'PUSH_OUTCOME_STALE', currentStep: 9 };
  const connection = await connected((call, reply) => {
    call.once('data', () => {
      call.pause();
      reply(null, stale);
    });
  });
  expect(await connection.pushGradient(pushHeader(LONG), new Uint8Array(LONG))).toEqual(stale);
});

test('a payload of another length than announced is refused', async () => {
  const connection = await connected(answering(() => undefined));
  await expect(connection.pushGradient(pushHeader(12), new Uint8Array(8))).rejects.toMatchObject({ code: 'invalid-argument', message: 'blob: expected 12 bytes, got 8' });
  await expect(connection.pushGradient(pushHeader(4), new Uint8Array(8))).rejects.toMatchObject({ code: 'invalid-argument', message: 'blob: expected 4 bytes, got at least 8' });
});

test('a connection closed between first chunk and commit leaves the server without a commit', async () => {
  const frames: (string | undefined)[] = [];
  const firstChunk = signal();
  const serverSawTheEnd = signal();
  const connection = await connected((call) => {
    call.on('data', ({ frame }: PushGradientRequest__Output) => {
      frames.push(frame);
      if (frame === 'chunk') firstChunk.resolve();
    });
    call.on('cancelled', serverSawTheEnd.resolve);
  }, { afterChunk: () => new Promise(() => undefined) });
  const pushed = connection.pushGradient(pushHeader(2 * CHUNK_BYTES_MAX), new Uint8Array(2 * CHUNK_BYTES_MAX));
  await firstChunk.promise;
  connection.close();
  await expect(pushed).rejects.toMatchObject({ code: 'cancelled' });
  await serverSawTheEnd.promise;
  expect(frames).toEqual(['header', 'chunk']);
});

test('a hook that fails cancels the push, and its error is what the caller gets', async () => {
  const serverBegan = signal();
  const serverSawTheEnd = signal();
  const connection = await connected((call) => {
    serverBegan.resolve();
    call.on('cancelled', serverSawTheEnd.resolve);
    call.resume();
  }, {
    afterChunk: async () => {
      await serverBegan.promise;
      throw new BpttError('cancelled', 'the worker stops');
    },
  });
  await expect(connection.pushGradient(pushHeader(4), new Uint8Array(4))).rejects.toMatchObject({ code: 'cancelled', message: 'the worker stops' });
  await serverSawTheEnd.promise;
});

test('a server that never answers is given up at the deadline, also while the client waits to send', async () => {
  const connection = await connected(() => undefined, { deadlinesMs: { pushGradient: 300 } });
  const overdue = { code: 'deadline-exceeded', message: expect.stringMatching(/^pushGradient at 127\.0\.0\.1:\d+: /) as string };
  await expect(connection.pushGradient(pushHeader(4), new Uint8Array(4))).rejects.toMatchObject(overdue);
  await expect(connection.pushGradient(pushHeader(LONG), new Uint8Array(LONG))).rejects.toMatchObject(overdue);
});

test('a server that dies under way makes the push unavailable', async () => {
  const server = await startLoopbackServer({ parameterServer: { PushGradient: () => { server.close(); } } });
  const connection = connect(server.address);
  open.push(connection);
  await expect(connection.pushGradient(pushHeader(LONG), new Uint8Array(LONG))).rejects.toMatchObject({ code: 'unavailable' });
});

/** Resolves when `progress` has not changed for a while, and is not where it began. */
async function standstill(progress: () => number): Promise<void> {
  const start = progress();
  for (let unchanged = 0, last = start; unchanged < 5;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = progress();
    unchanged = now === last && now !== start ? unchanged + 1 : 0;
    last = now;
  }
}

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => { resolve = settle; });
  return { promise, resolve };
}
