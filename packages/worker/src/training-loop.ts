import { BpttError, messageOf } from '@bptt/core';
import type { ServerCommand__Output } from '@bptt/rpc';
import { createLeaseRunner, isRefusal, type LeaseContext, type LeaseRunner } from './lease-runner.js';

/** One membership of a worker: from a join to the end of its control stream. */
export interface Session extends LeaseContext {
  readonly heartbeatIntervalMs: number;
  /** Ends the session. */
  readonly signal: AbortSignal;
}

/** How a session ended. `broken`: the server may come back, and another session may follow; `leases` is how many came in this one. */
export type SessionEnd =
  | { readonly kind: 'drained'; readonly finished: boolean; readonly reason: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'broken'; readonly error: unknown; readonly leases: number };

/**
 * Serves leases until the server drains this worker, the session is aborted, or the server does not answer any more. Has left the
 * server on return, unless that is broken.
 * @throws BpttError where going on makes no sense: too many leases in a row failed, or the server refuses this worker
 */
export async function runSession(session: Session): Promise<SessionEnd> {
  const { connection, worker, signal, pool } = session;
  const channel = connection.control(worker);
  const doneBefore = pool.microshardsDone;
  const heartbeat = setInterval(() => {
    channel.send({ event: 'heartbeat', heartbeat: { microshardsDone: pool.microshardsDone - doneBefore } });
  }, session.heartbeatIntervalMs);
  let end: (ended: SessionEnd) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<SessionEnd>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const broken = (error: unknown): void => { end({ kind: 'broken', error, leases: runner.leases }); };
  const runner = createLeaseRunner(session, channel, { broken, failed: fail });
  const stop = (): void => { end({ kind: 'stopped' }); };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  channel.send({ event: 'ready', ready: {} });
  followCommands(channel.commands, runner).then(end, (error: unknown) => {
    if (isRefusal(error)) fail(error);
    else broken(error);
  });

  let isBroken = false;
  try {
    const result = await ended;
    isBroken = result.kind === 'broken';
    return result;
  } finally {
    clearInterval(heartbeat);
    signal.removeEventListener('abort', stop);
    await runner.stop();
    if (!isBroken) await leave(session);
    channel.close();
  }
}

/** Obeys until drained. */
async function followCommands(commands: AsyncIterable<ServerCommand__Output>, runner: LeaseRunner): Promise<SessionEnd> {
  // Not `for await`: leaving that would close the stream, and the server would take the worker for lost before it has left.
  const iterator = commands[Symbol.asyncIterator]();
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) throw new BpttError('unavailable', 'the server closed the control stream');
    const { lease, revoke, drain } = next.value;
    if (lease) runner.begin(lease);
    if (revoke) runner.revoke(revoke.leaseId);
    if (drain) return { kind: 'drained', finished: drain.finished, reason: drain.reason };
  }
}

/** A server that does not hear it finds out by itself, by the end of the control stream. */
async function leave({ connection, worker, onEvent }: Session): Promise<void> {
  try {
    await connection.leave(worker);
  } catch (error) {
    onEvent({ event: 'warning', message: `leaving failed: ${messageOf(error)}` });
  }
}
