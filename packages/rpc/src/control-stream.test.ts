import type { ServerDuplexStream } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';
import { afterEach, expect, test } from 'vitest';
import { connect } from './connection.js';
import { CONTROL_QUEUE_MESSAGES_MAX } from './control-stream.js';
import { toServiceError } from './errors.js';
import type { ServerCommand, ServerCommand__Output } from './gen/bptt/v1/ServerCommand.js';
import type { WorkerEvent__Output } from './gen/bptt/v1/WorkerEvent.js';
import type { ServerConnection, WorkerMessage } from './server-connection.js';
import { startLoopbackServer } from './testing/loopback-server.js';

type ControlCall = ServerDuplexStream<WorkerEvent__Output, ServerCommand>;

const WORKER = { workerId: 'worker-7', generation: 9007199254740991 };
const READY: WorkerMessage = { ready: {}, event: 'ready' };
const open: { close(): void }[] = [];

afterEach(() => {
  for (const part of open.splice(0)) part.close();
});

async function connected(handle: (call: ControlCall) => void): Promise<ServerConnection> {
  const server = await startLoopbackServer({ parameterServer: { Control: handle } });
  const connection = connect(server.address);
  open.push(connection, server);
  return connection;
}

async function all(commands: AsyncIterable<ServerCommand__Output>): Promise<ServerCommand__Output[]> {
  const received: ServerCommand__Output[] = [];
  for await (const command of commands) received.push(command);
  return received;
}

test('messages carry the worker\'s identity, commands come in order, and the stream ends when the server ends it', async () => {
  const events: WorkerEvent__Output[] = [];
  const connection = await connected((call) => {
    call.on('data', (event: WorkerEvent__Output) => {
      events.push(event);
      call.write({ stepAdvanced: { step: events.length } });
      if (events.length === 3) {
        call.write({ drain: { reason: 'done', finished: true } });
        call.end();
      }
    });
  });
  const channel = connection.control(WORKER);
  channel.send({ heartbeat: { microshardsDone: 5 }, event: 'heartbeat' });
  channel.send(READY);
  channel.send({ leaseFailed: { leaseId: 4, reason: 'no memory' }, event: 'leaseFailed' });
  expect(await all(channel.commands)).toEqual([
    { stepAdvanced: { step: 1 }, command: 'stepAdvanced' },
    { stepAdvanced: { step: 2 }, command: 'stepAdvanced' },
    { stepAdvanced: { step: 3 }, command: 'stepAdvanced' },
    { drain: { reason: 'done', finished: true }, command: 'drain' },
  ]);
  expect(events).toEqual([
    { ...WORKER, heartbeat: { microshardsDone: 5 }, event: 'heartbeat' },
    { ...WORKER, ready: {}, event: 'ready' },
    { ...WORKER, leaseFailed: { leaseId: 4, reason: 'no memory' }, event: 'leaseFailed' },
  ]);
});

test('closing ends the commands and the server\'s side, with every message delivered before', async () => {
  const events: (string | undefined)[] = [];
  const connection = await connected((call) => {
    call.on('data', ({ event }: WorkerEvent__Output) => events.push(event));
    call.on('end', () => { call.end(); });
  });
  const channel = connection.control(WORKER);
  channel.send(READY);
  channel.close();
  channel.send(READY);
  channel.close();
  expect(await all(channel.commands)).toEqual([]);
  expect(events).toEqual(['ready']);
});

test('closing ends the commands also where the server goes on', async () => {
  const connection = await connected((call) => { call.resume(); });
  const channel = connection.control(WORKER);
  channel.send(READY);
  channel.close();
  expect(await all(channel.commands)).toEqual([]);
});

test('leaving the loop closes the stream', async () => {
  let ended: (() => void) | undefined;
  const serverSawTheEnd = new Promise<void>((resolve) => { ended = resolve; });
  const connection = await connected((call) => {
    call.on('data', () => call.write({ stepAdvanced: { step: 1 } }));
    call.on('end', () => ended?.());
    call.on('cancelled', () => ended?.());
  });
  const channel = connection.control(WORKER);
  channel.send(READY);
  for await (const command of channel.commands) {
    expect(command.command).toBe('stepAdvanced');
    break;
  }
  await serverSawTheEnd;
});

test('an error of the server is thrown after the commands before it, also to who begins to read late', async () => {
  const connection = await connected((call) => {
    call.once('data', () => {
      call.write({ stepAdvanced: { step: 1 } });
      call.emit('error', toServiceError(new BpttError('aborted', 'generation: expected 3, got 2')));
    });
  });
  const channel = connection.control(WORKER);
  channel.send(READY);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const received: ServerCommand__Output[] = [];
  const reading = (async () => {
    for await (const command of channel.commands) received.push(command);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'aborted', message: 'generation: expected 3, got 2' });
  expect(received.length).toBeLessThanOrEqual(1);
});

test('a server that dies breaks the stream as unavailable, and sending is then without effect', async () => {
  const server = await startLoopbackServer({ parameterServer: { Control: (call) => { call.once('data', () => { server.close(); }); } } });
  const connection = connect(server.address);
  open.push(connection);
  const channel = connection.control(WORKER);
  channel.send(READY);
  await expect(all(channel.commands)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/^control at /) as string });
  channel.send(READY);
  channel.close();
});

test('closing the connection ends the commands', async () => {
  const connection = await connected((call) => {
    call.once('data', () => { connection.close(); });
  });
  const channel = connection.control(WORKER);
  channel.send(READY);
  expect(await all(channel.commands)).toEqual([]);
});

test('messages for a server that reads none are bounded', async () => {
  const connection = await connected(() => undefined);
  const channel = connection.control(WORKER);
  const reason = 'x'.repeat(1 << 20);
  for (let i = 0; i <= CONTROL_QUEUE_MESSAGES_MAX; i += 1) channel.send({ leaseFailed: { leaseId: i, reason }, event: 'leaseFailed' });
  await expect(all(channel.commands)).rejects.toMatchObject({ code: 'resource-exhausted', message: expect.stringContaining('at most 1024 messages waiting') as string });
});
