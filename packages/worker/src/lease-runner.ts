import { BpttError, messageOf, parameterLayout, type ModelConfig } from '@bptt/core';
import type { ControlChannel, Lease__Output, PulledParameters, PushGradientReply__Output, PushHeader__Output, ServerConnection, WorkerIdentity } from '@bptt/rpc';
import { isTransient, withRetries, type Backoff } from './backoff.js';
import type { ComputePool, NodeResult } from './compute-pool.js';
import { readLease } from './lease-work.js';
import type { PushedOutcome, WorkerProgress } from './worker-event.js';

/** Leases in a row that a worker may fail before it gives up. */
export const LEASE_FAILURES_MAX = 3;

/** The parameters that a worker holds, from session to session. */
export interface ParameterCache {
  /** Of this session: another server counts versions anew. */
  held: PulledParameters | undefined;
  /** Block of the pool that was filled last; undefined where parameters lie in memory of the server. */
  block?: Uint8Array | undefined;
}

/** What is needed to serve a lease. */
export interface LeaseContext {
  readonly connection: ServerConnection;
  readonly worker: WorkerIdentity;
  readonly runId: string;
  readonly model: ModelConfig;
  readonly pool: ComputePool;
  readonly cache: ParameterCache;
  readonly callBackoff: Backoff;
  readonly onEvent: (event: WorkerProgress) => void;
}

/** How serving leases can end by itself. */
export interface LeaseRunnerEnds {
  /** The server does not answer: the session is over, another may follow. */
  broken(error: unknown): void;
  /** Going on makes no sense. */
  failed(error: unknown): void;
}

/** Serves one lease at a time: pull, compute, push, and ready for the next. */
export interface LeaseRunner {
  /** Leases that came. */
  readonly leases: number;
  begin(lease: Lease__Output): void;
  /** Gives the lease up, if it is the one being served. */
  revoke(leaseId: number): void;
  /** Gives up whatever is being served, and says nothing more. */
  stop(): Promise<void>;
}

interface Serving {
  readonly leaseId: number;
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

export function createLeaseRunner(context: LeaseContext, channel: ControlChannel, ends: LeaseRunnerEnds): LeaseRunner {
  let serving: Serving | undefined;
  let leases = 0;
  let failures = 0;
  let stopped = false;

  async function serve(lease: Lease__Output, signal: AbortSignal): Promise<void> {
    try {
      await computeAndPush(context, lease, signal);
      failures = 0;
    } catch (error) {
      if (!signal.aborted) handleFailure(lease, error);
    }
    serving = undefined;
    if (!stopped) channel.send({ event: 'ready', ready: {} });
  }

  function handleFailure({ leaseId }: Lease__Output, error: unknown): void {
    if (isTransient(error)) {
      stopped = true;
      ends.broken(error);
      return;
    }
    failures += 1;
    const reason = messageOf(error);
    channel.send({ event: 'leaseFailed', leaseFailed: { leaseId, reason } });
    context.onEvent({ event: 'warning', message: `lease ${String(leaseId)} failed: ${reason}` });
    if (failures < LEASE_FAILURES_MAX && !isRefusal(error)) return;
    stopped = true;
    const code = error instanceof BpttError ? error.code : 'internal';
    ends.failed(new BpttError(code, `gave up after ${String(failures)} failed ${failures === 1 ? 'lease' : 'leases in a row'}: ${reason}`, { cause: error }));
  }

  return {
    get leases() {
      return leases;
    },
    begin(lease) {
      const { leaseId } = lease;
      leases += 1;
      if (serving !== undefined) {
        channel.send({ event: 'leaseFailed', leaseFailed: { leaseId, reason: `busy with lease ${String(serving.leaseId)}` } });
        return;
      }
      const controller = new AbortController();
      serving = { leaseId, controller, done: serve(lease, controller.signal) };
    },
    revoke(leaseId) {
      if (serving?.leaseId === leaseId) serving.controller.abort();
    },
    async stop() {
      stopped = true;
      serving?.controller.abort();
      await serving?.done;
    },
  };
}

/** Whether the server will refuse this worker whatever it does next. */
export function isRefusal(error: unknown): boolean {
  return error instanceof BpttError && ['unauthenticated', 'permission-denied'].includes(error.code);
}

async function computeAndPush(context: LeaseContext, lease: Lease__Output, signal: AbortSignal): Promise<void> {
  const { connection, pool, callBackoff, onEvent } = context;
  const { leaseId, step, nodeBegin, nodeWidth } = lease;
  const work = readLease(lease, context.model);
  onEvent({ event: 'lease', leaseId, kind: work.kind, step, nodeBegin, nodeWidth });
  const parameters = await obtainParameters(context, lease.parametersVersion, signal);
  if (parameters === undefined) return;
  const result = await pool.compute({ ...work, parameters }, signal);
  const header = headerOf(context, lease, result);
  let push: Promise<unknown> = Promise.resolve();
  try {
    const reply = await withRetries(() => {
      const call = connection.pushGradient(header, result.payload);
      push = call;
      return call;
    }, callBackoff, signal);
    onEvent({ event: 'pushed', step, outcome: outcomeOf(reply) });
  } finally {
    // A push that was given up reads the payload until it has settled.
    const release = (): void => { result.release(); };
    void push.then(release, release);
  }
}

/** Undefined where the server no longer holds these parameters: the lease is over. */
async function obtainParameters(context: LeaseContext, version: number, signal: AbortSignal): Promise<Float32Array | undefined> {
  const { cache, callBackoff } = context;
  if (cache.held?.version === version && cache.held.isHeld()) return cache.held.values;
  try {
    return await withRetries(() => pull(context, version, signal), callBackoff, signal);
  } catch (error) {
    if (error instanceof BpttError && error.code === 'aborted') return undefined;
    throw error;
  }
}

/**
 * Pulls into a block of the pool that nobody else writes, and holds what was pulled. A pull that is given up keeps its block until it settles, and nothing
 * is held of it.
 */
async function pull({ connection, runId, model, pool: { parameterBlocks }, cache }: LeaseContext, version: number, signal: AbortSignal): Promise<Float32Array> {
  const block = parameterBlocks.take(parameterLayout(model).size * Float32Array.BYTES_PER_ELEMENT);
  let pulled: PulledParameters;
  try {
    pulled = await connection.pullParameters(runId, version, block);
    if (signal.aborted) throw new BpttError('cancelled', 'the pull was given up');
  } catch (error) {
    parameterBlocks.giveBack(block);
    throw error;
  }
  const { values } = pulled;
  const isThere = values.buffer === block.buffer && values.byteOffset === block.byteOffset;
  if (cache.block !== undefined) parameterBlocks.giveBack(cache.block);
  if (!isThere) parameterBlocks.giveBack(block);
  cache.held = pulled;
  cache.block = isThere ? block : undefined;
  return values;
}

function headerOf({ runId, worker }: LeaseContext, lease: Lease__Output, result: NodeResult): PushHeader__Output {
  const { leaseId, kind, step, nodeBegin, nodeWidth } = lease;
  const { payload, gradientBytes, stateBytes, lossSum, tokens, sequences, nonFinite } = result;
  return {
    runId, ...worker, leaseId, kind, step, nodeBegin, nodeWidth,
    totalBytes: payload.byteLength, gradientBytes, stateBytes, lossSum, tokens, sequences,
    ...(nonFinite && { nonFinite, _nonFinite: 'nonFinite' as const }),
  };
}

function outcomeOf({ outcome }: PushGradientReply__Output): PushedOutcome {
  if (outcome === 'PUSH_OUTCOME_UNSPECIFIED') throw new BpttError('internal', 'push: expected an outcome, got none');
  return outcome.slice('PUSH_OUTCOME_'.length) as PushedOutcome;
}
