import { createServer, type Server as TcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { BpttError } from '@bptt/core';
import { connect } from './connection.js';
import { CALLS, DEADLINES_MS } from './deadlines.js';
import { toServiceError } from './errors.js';
import type { JoinRequest__Output } from './gen/bptt/v1/JoinRequest.js';
import type { ServerConnection } from './server-connection.js';
import { startLoopbackServer, type LoopbackHandlers } from './testing/loopback-server.js';
import { pushHeader } from './testing/messages.js';

const JOIN: JoinRequest__Output = { protocolVersion: 1, backendId: 'simd/1', manifestSha256: Buffer.alloc(32, 7), threads: 2, name: 'host/1', executes: 'WebAssembly SIMD' };
const WORKER = { workerId: 'worker', generation: 2 };
const open: { close(): void }[] = [];

afterEach(() => {
  for (const part of open.splice(0)) part.close();
});

async function connected(handlers: LoopbackHandlers): Promise<ServerConnection> {
  const server = await startLoopbackServer(handlers);
  const connection = connect(server.address);
  open.push(connection, server);
  return connection;
}

/** Every call of the interface, as a function that makes it. */
function everyCall(connection: ServerConnection): (() => Promise<unknown>)[] {
  return [
    () => connection.getInfo(),
    () => connection.join(JOIN),
    () => connection.pullParameters('run', 1),
    () => connection.pushGradient(pushHeader(4), new Uint8Array(4)),
    () => connection.leave(WORKER),
    () => connection.getStatus(),
    async () => {
      for await (const command of connection.control(WORKER).commands) throw new Error(`unexpected ${String(command.command)}`);
    },
  ];
}

test('join and leave carry what they were given', async () => {
  const requests: unknown[] = [];
  const answer = { workerId: 'worker', generation: 2 ** 40, heartbeatIntervalMs: 500, workerTimeoutMs: 5000, runId: 'run', exchange: null };
  const connection = await connected({
    parameterServer: {
      Join: ({ request }, reply) => {
        requests.push(request);
        reply(null, answer);
      },
      Leave: ({ request }, reply) => {
        requests.push(request);
        reply(null, {});
      },
    },
  });
  expect(await connection.join(JOIN)).toEqual(answer);
  await connection.leave(WORKER);
  expect(requests).toEqual([JOIN, WORKER]);
});

test('a refused join says why, in the server\'s words', async () => {
  const text = 'backend: expected simd/1, got reference/1';
  const connection = await connected({ parameterServer: { Join: (_, reply) => { reply(toServiceError(new BpttError('failed-precondition', text))); } } });
  await expect(connection.join(JOIN)).rejects.toMatchObject({ name: 'BpttError', code: 'failed-precondition', message: text });
});

test('a status with NaN and 64-bit counts arrives', async () => {
  const connection = await connected({ admin: { GetStatus: (_, reply) => { reply(null, { validLoss: NaN, stepDurable: 2 ** 50, workers: [{ name: 'a', silenceMs: 3 }] }); } } });
  const status = await connection.getStatus();
  expect(status.validLoss).toBeNaN();
  expect(status).toMatchObject({ stepDurable: 2 ** 50, runId: '', workers: [{ name: 'a', silenceMs: 3, threads: 0 }] });
});

test('every call to a server that nobody started is unavailable and names the address', async () => {
  const gone = await startLoopbackServer({});
  gone.close();
  const { address } = gone;
  const connection = connect(address);
  open.push(connection);
  for (const call of everyCall(connection)) {
    await expect(call()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(new RegExp(`^\\w+ at ${address}: .*ECONNREFUSED[^()]*$`)) as string });
  }
});

test('every call to something that takes connections and never says a word ends at its deadline', async () => {
  const silent = await silentTcpServer();
  const deadlinesMs = Object.fromEntries(CALLS.map((name) => [name, 200]));
  const connection = connect(silent.address, { deadlinesMs });
  open.push(connection, silent);
  for (const call of everyCall(connection)) await expect(call()).rejects.toMatchObject({ code: 'deadline-exceeded' });
});

test('every call to a gRPC server that lacks the service is a failed precondition', async () => {
  const connection = await connected({});
  for (const call of everyCall(connection)) await expect(call()).rejects.toMatchObject({ code: 'failed-precondition' });
});

test('after close every call is refused at once', async () => {
  const connection = await connected({});
  connection.close();
  connection.close();
  for (const call of everyCall(connection)) await expect(call()).rejects.toMatchObject({ code: 'cancelled', message: expect.stringContaining('the connection is closed') as string });
});

test('closing one connection leaves another to the same server alone', async () => {
  const server = await startLoopbackServer({ admin: { GetStatus: (_, reply) => { reply(null, { runId: 'run' }); } } });
  const [first, second] = [connect(server.address), connect(server.address)];
  open.push(second, server);
  await Promise.all([first.getStatus(), second.getStatus()]);
  first.close();
  expect((await second.getStatus()).runId).toBe('run');
});

test('a server that comes back is reached again by the same connection', async () => {
  const handlers: LoopbackHandlers = { admin: { GetStatus: (_, reply) => { reply(null, { runId: 'run' }); } } };
  const first = await startLoopbackServer(handlers);
  const connection = connect(first.address);
  open.push(connection);
  await connection.getStatus();
  first.close();
  const second = await startLoopbackServer(handlers, first.address);
  open.push(second);
  await expect.poll(() => connection.getStatus().then(({ runId }) => runId, () => 'not yet'), { timeout: 10_000 }).toBe('run');
});

test('every deadline is a whole number of milliseconds that a timer can hold', () => {
  for (const name of CALLS) expect(DEADLINES_MS[name]).toSatisfy((ms: number) => Number.isInteger(ms) && ms >= 1_000 && ms < 2 ** 31);
});

function silentTcpServer(): Promise<{ address: string; close(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  return new Promise((resolve) => {
    const server: TcpServer = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      resolve({
        address: `127.0.0.1:${String(port)}`,
        close: () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
    });
  });
}
