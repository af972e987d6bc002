import { BpttError, messageOf } from '@bptt/core';
import { PROTOCOL_VERSION_MAX, type JoinReply__Output, type JoinRequest__Output, type ServerConnection, type ServerInfo__Output } from '@bptt/rpc';
import type { ThreadMemory } from '@bptt/simd';
import { CALL_BACKOFF, isTransient, pause, RECONNECT_BACKOFF, unlessAborted, type Backoff } from './backoff.js';
import type { BackendDevice } from './backends.js';
import { createComputePool, type ComputePool } from './compute-pool.js';
import type { ParameterCache } from './lease-runner.js';
import { planRun, type RunPlan } from './run-plan.js';
import { runSession, type SessionEnd } from './training-loop.js';
import type { WorkerProgress } from './worker-event.js';

export interface WorkerOptions {
  /** Stays open: whoever opened it closes it. */
  readonly connection: ServerConnection;
  /** Microshards computed at the same time. */
  readonly threads: number;
  /** A name or an id of a backend; `auto` is the backend of the run. Default `auto`. */
  readonly backend?: string;
  /** What the backend `gpu` computes on. Default: the graphics processor of this machine, `webasm` where it has none. */
  readonly device?: BackendDevice | undefined;
  /** Memory of a server in this process, so that threads read its parameters without a copy. */
  readonly memory?: ThreadMemory | undefined;
  /** For people: host name and process id. */
  readonly name: string;
  /** Makes the worker leave. */
  readonly signal: AbortSignal;
  /** Called for everything that happens. Must not throw. */
  readonly onEvent: (event: WorkerProgress) => void;
  /** How long a server that does not answer at the beginning is waited for, in milliseconds. Default 15,000. */
  readonly connectTimeoutMs?: number;
  /** How pulls and pushes are repeated that the server did not answer. Default `CALL_BACKOFF`. */
  readonly callBackoff?: Backoff;
  /** How the worker joins again after the control stream broke. Default `RECONNECT_BACKOFF`. */
  readonly reconnectBackoff?: Backoff;
}

/** How a worker ended. */
export interface WorkerResult {
  /** Whether the run ended as it should. */
  readonly finished: boolean;
  readonly reason: string;
  readonly microshardsDone: number;
}

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Takes part in the run of a server: joins, computes the leases that it gets, pushes the results, until the server drains it or `signal`
 * is aborted. Joins again when the control stream breaks.
 *
 * @throws BpttError `unavailable` where the server does not answer in time, or not any more; `failed-precondition` with both values where
 *   protocol version, backend or manifest differ; the code of the failure where leases fail again and again
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerResult> {
  const { signal, onEvent, threads, connection, memory } = options;
  let pool: ComputePool | undefined;
  const end = (finished: boolean, reason: string): WorkerResult => {
    onEvent({ event: 'left', reason });
    return { finished, reason, microshardsDone: pool?.microshardsDone ?? 0 };
  };
  try {
    const info = await firstAnswer(options);
    const over = describeEnd(info);
    if (over !== undefined) return end(...over);
    const plan = await planRun(info, options.backend ?? 'auto', options.device);
    pool = await createComputePool({ threads, model: plan.model, objective: plan.objective, seed: plan.seed, backendId: plan.backendId, memory });
    return end(...(await serveRun({ options, plan, pool, connection })));
  } catch (error) {
    if (signal.aborted) return end(...STOPPED);
    throw error;
  } finally {
    await pool?.dispose();
  }
}

type Ending = readonly [finished: boolean, reason: string];

const STOPPED: Ending = [false, 'stopped'];

/** Asks again until the server answers or the time is over. */
async function firstAnswer({ connection, signal, connectTimeoutMs = CONNECT_TIMEOUT_MS }: WorkerOptions): Promise<ServerInfo__Output> {
  const deadlineMs = performance.now() + connectTimeoutMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await unlessAborted(connection.getInfo(), signal);
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (performance.now() >= deadlineMs) {
        throw new BpttError('unavailable', `the server did not answer within ${String(connectTimeoutMs)} ms: ${messageOf(error)}`, { cause: error });
      }
    }
    const leftMs = Math.max(1, deadlineMs - performance.now());
    await pause({ ...RECONNECT_BACKOFF, mostMs: Math.min(RECONNECT_BACKOFF.mostMs, leftMs) }, failures, signal);
  }
}

/** Why there is nothing to join, where there is not. */
function describeEnd({ state }: ServerInfo__Output): Ending | undefined {
  if (state === 'RUN_STATE_FINISHED') return [true, 'the run is finished'];
  if (state === 'RUN_STATE_FAILED') return [false, 'the run has failed'];
  if (state === 'RUN_STATE_DRAINING') return [false, 'the server is draining'];
  return undefined;
}

interface Membership {
  readonly options: WorkerOptions;
  readonly plan: RunPlan;
  readonly pool: ComputePool;
  readonly connection: ServerConnection;
}

/** One session after the other, until one ends the work. */
async function serveRun(membership: Membership): Promise<Ending> {
  const { signal, onEvent, reconnectBackoff = RECONNECT_BACKOFF } = membership.options;
  const cache: ParameterCache = { held: undefined };
  for (let failures = 0; ;) {
    const end = await joinAndServe(membership, cache);
    if (end.kind === 'stopped') return STOPPED;
    if (end.kind === 'drained') return [end.finished, end.reason];
    failures = end.leases > 0 ? 1 : failures + 1;
    if (failures > reconnectBackoff.failuresMax) {
      throw new BpttError('unavailable', `gave up after ${String(reconnectBackoff.failuresMax)} attempts to join again: ${messageOf(end.error)}`, { cause: end.error });
    }
    onEvent({ event: 'warning', message: `joining again: ${messageOf(end.error)}` });
    await pause(reconnectBackoff, failures, signal);
  }
}

/** The reply; or how the run ended, where it did between the last answer and this request. */
async function joinUnlessOver(connection: ServerConnection, request: JoinRequest__Output, signal: AbortSignal): Promise<JoinReply__Output | Ending> {
  try {
    return await unlessAborted(connection.join(request), signal);
  } catch (error) {
    if (!isTransient(error)) throw error;
    const over = describeEnd(await unlessAborted(connection.getInfo(), signal));
    if (over === undefined) throw error;
    return over;
  }
}

async function joinAndServe({ options, plan, pool, connection }: Membership, cache: ParameterCache): Promise<SessionEnd> {
  const { name, threads, signal, onEvent, callBackoff = CALL_BACKOFF } = options;
  const { runId, model, backendId, manifestSha256 } = plan;
  cache.held = undefined;
  try {
    const over = describeEnd(await unlessAborted(connection.getInfo(), signal));
    if (over !== undefined) return { kind: 'drained', finished: over[0], reason: over[1] };
    const joined = await joinUnlessOver(connection, { protocolVersion: PROTOCOL_VERSION_MAX, backendId, manifestSha256, threads, name, executes: pool.executes }, signal);
    if (!('runId' in joined)) return { kind: 'drained', finished: joined[0], reason: joined[1] };
    if (joined.runId !== runId) throw new BpttError('failed-precondition', `run id: the server now runs ${joined.runId}, this worker joined ${runId}`);
    const { workerId, generation, heartbeatIntervalMs, exchange } = joined;
    onEvent({ event: 'joined', workerId, backendId, executes: pool.executes, threads, exchanges: exchange !== null });
    return await runSession({
      connection, worker: { workerId, generation }, runId, model, pool, cache, callBackoff, heartbeatIntervalMs, signal, onEvent,
    });
  } catch (error) {
    if (isTransient(error)) return { kind: 'broken', error, leases: 0 };
    throw error;
  }
}
