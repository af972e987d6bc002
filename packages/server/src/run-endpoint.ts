import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { assert, BpttError, parameterLayout } from '@bptt/core';
import { manifestOf, modelMessageOf, objectiveMessageOf, PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN, type GetStatusReply__Output, type JoinReply__Output, type JoinRequest__Output, type Manifest__Output, type PushGradientReply__Output, type PushHeader__Output, type ServerInfo__Output, type WorkerEvent__Output, type WorkerIdentity } from '@bptt/rpc';
import type { BlockPool, ThreadMemory } from '@bptt/simd';
import type { CommandSink, Endpoint, HeldParameters, ParametersWanted, PushReception, WorkerChannel } from './endpoint.js';
import { claimOf, runStateMessage } from './messages.js';
import type { ParameterHashes } from './parameter-hashes.js';
import type { ParameterSets } from './parameter-sets.js';
import { judgeClaim } from './push-judgement.js';
import type { PushClaim } from './push.js';
import type { RunConfig } from './run-config.js';
import type { RunEvent } from './run-event.js';
import type { RunLog } from './run-log.js';
import { pushReply, type RunShell } from './run-shell.js';
import type { WorkerState } from './run-state.js';
import type { UpdateThread } from './update-client.js';
import type { Payload } from './update-engine.js';

/** Workers at the same time. */
export const WORKERS_MAX = 1024;
/** Threads that one worker may claim. */
export const WORKER_THREADS_MAX = 4096;
/** Pushes of one worker that may be under way: one, and retries of it. */
export const PUSHES_PER_WORKER_MAX = 4;
/** Longest name of a worker that is kept. */
const NAME_LENGTH_MAX = 200;
const DELAY_RESOLUTION_MS = 10;

export interface RunEndpointOptions {
  readonly shell: RunShell;
  readonly thread: UpdateThread;
  readonly log: RunLog;
  readonly config: RunConfig;
  readonly backendId: string;
  /** Memory for what workers push. */
  readonly payloads: BlockPool;
  /** Whether the update thread can read what lies there. */
  readonly holds: ThreadMemory['holds'];
  readonly buffers: readonly Float32Array[];
  /** What lies in them. */
  readonly sets: ParameterSets;
  readonly hashes: ParameterHashes;
  readonly heartbeatIntervalMs: number;
  readonly onEvent: (event: RunEvent) => void;
  readonly nowMs: () => number;
}

/** The protocol, spoken by a run. */
export class RunEndpoint implements Endpoint {
  readonly #options: RunEndpointOptions;
  readonly #manifest: Manifest__Output;
  readonly #delay: IntervalHistogram;
  readonly #pushesUnderWay = new Map<string, number>();
  #pushes = 0;

  constructor(options: RunEndpointOptions) {
    this.#options = options;
    this.#manifest = manifestOf(parameterLayout(options.config.model));
    this.#delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
    this.#delay.enable();
  }

  getInfo(): ServerInfo__Output {
    const { shell, config, backendId } = this.#options;
    return {
      protocolVersionMin: PROTOCOL_VERSION_MIN,
      protocolVersionMax: PROTOCOL_VERSION_MAX,
      runId: shell.state.settings.runId,
      backendId,
      model: modelMessageOf(config.model),
      objective: objectiveMessageOf(config.objective),
      seed: config.seed,
      manifest: this.#manifest,
      microshards: shell.state.settings.microshards,
      state: runStateMessage(shell.state),
      step: shell.state.step,
    };
  }

  join({ protocolVersion, backendId, manifestSha256, threads, name, executes }: JoinRequest__Output): JoinReply__Output {
    const { shell, heartbeatIntervalMs, nowMs } = this.#options;
    const { phase, ending, settings, workers } = shell.state;
    if (protocolVersion < PROTOCOL_VERSION_MIN || protocolVersion > PROTOCOL_VERSION_MAX) {
      throw new BpttError('failed-precondition', `protocol version: the server speaks ${String(PROTOCOL_VERSION_MIN)} to ${String(PROTOCOL_VERSION_MAX)}, the worker ${String(protocolVersion)}`);
    }
    if (backendId !== this.#options.backendId) {
      throw new BpttError('failed-precondition', `backend: the run has ${JSON.stringify(this.#options.backendId)}, the worker ${JSON.stringify(backendId.slice(0, NAME_LENGTH_MAX))}`);
    }
    if (!this.#manifest.sha256.equals(manifestSha256)) {
      throw new BpttError('failed-precondition', `manifest: the run has sha256 ${this.#manifest.sha256.toString('hex')}, the worker ${manifestSha256.subarray(0, 64).toString('hex')}`);
    }
    if (threads < 1 || threads > WORKER_THREADS_MAX) throw new BpttError('invalid-argument', `threads: expected 1 to ${String(WORKER_THREADS_MAX)}, got ${String(threads)}`);
    if (phase === 'ended' || ending !== undefined) throw new BpttError('unavailable', `the run is over: ${ending?.reason ?? ''}`);
    if (workers.size >= WORKERS_MAX) throw new BpttError('resource-exhausted', `the server has ${String(WORKERS_MAX)} workers, which is its most`);
    shell.dispatch({ type: 'join', nowMs: nowMs(), name: name.slice(0, NAME_LENGTH_MAX), executes: executes.slice(0, NAME_LENGTH_MAX), threads });
    const worker = [...shell.state.workers.values()].at(-1);
    if (worker === undefined) throw new BpttError('unavailable', 'the run is over');
    return { workerId: worker.id, generation: worker.generation, heartbeatIntervalMs, workerTimeoutMs: settings.workerTimeoutMs, runId: settings.runId, exchange: null };
  }

  control(identity: WorkerIdentity, sink: CommandSink): WorkerChannel {
    const { shell, nowMs } = this.#options;
    const { id } = this.#workerOf(identity);
    if (shell.isAttached(id)) throw new BpttError('already-exists', `worker ${id} has a control stream already`);
    shell.attach(id, sink);
    return {
      receive: (event) => { this.#receive(id, identity, event); },
      closed: () => { shell.dispatch({ type: 'lost', nowMs: nowMs(), workerId: id, reason: 'disconnected' }); },
    };
  }

  parameters(runId: string, wanted: ParametersWanted): HeldParameters {
    const { shell, buffers, sets, hashes, thread } = this.#options;
    const { settings, step: current } = shell.state;
    if (runId !== settings.runId) throw new BpttError('failed-precondition', `run id: this server runs ${settings.runId}, asked for ${runId.slice(0, NAME_LENGTH_MAX)}`);
    const found = sets.find(wanted);
    if (found === undefined) throw new BpttError('aborted', `parameters ${wantedText(wanted)} are not held: the server is at step ${String(current)}`);
    const { set, buffer } = found;
    const { version, step } = set;
    return {
      version, step,
      values: buffers[buffer].subarray(),
      isHeld: () => sets.isHeld(set),
      sha256: () => hashes.of(found),
      placeIn: (descriptor) => thread.call('place', buffer, descriptor, version),
    };
  }

  beginPush(header: PushHeader__Output): PushReception | PushGradientReply__Output {
    const { shell } = this.#options;
    const claim = claimOf(header);
    const judgement = judgeClaim(shell.state, claim);
    if (judgement.verdict === 'refused') throw new BpttError(judgement.code, judgement.message);
    if (judgement.verdict !== 'proceed') return pushReply(judgement.verdict as 'STALE' | 'FENCED', shell.state.step);
    const { workerId } = claim;
    const underWay = this.#pushesUnderWay.get(workerId) ?? 0;
    if (underWay >= PUSHES_PER_WORKER_MAX) throw new BpttError('resource-exhausted', `worker ${workerId} has ${String(underWay)} pushes under way, which is its most`);
    return this.#openPush(claim, underWay);
  }

  leave(identity: WorkerIdentity): void {
    const { id } = this.#workerOf(identity);
    this.#options.shell.dispatch({ type: 'lost', nowMs: this.#options.nowMs(), workerId: id, reason: 'left' });
  }

  getStatus(): GetStatusReply__Output {
    const { shell, log, backendId, nowMs } = this.#options;
    const { state, figures: { trainLoss, validLoss, gradientNorm, tokensPerSecond, stepsNonFinite } } = shell;
    const now = nowMs();
    return {
      runId: state.settings.runId,
      state: runStateMessage(state),
      stepAcknowledged: log.stepAcknowledged,
      stepDurable: log.stepDurable,
      stepsTotal: state.settings.stepsTotal,
      trainLoss,
      validLoss,
      gradientNorm,
      tokensPerSecond,
      stepsNonFinite,
      leasesExpired: state.leasesExpired,
      workers: [...state.workers.values()].map(({ id, name, threads, leavesDone, heardMs, leasesExpired }) => ({
        workerId: id, name, threads, microshardsDone: leavesDone, silenceMs: Math.max(0, Math.round(now - heardMs)), leasesExpired,
      })),
      backendId,
      // The histogram counts the interval at which it looks as well.
      eventLoopPauseMsMax: Math.max(0, this.#delay.max / 1e6 - DELAY_RESOLUTION_MS),
    };
  }

  close(): void {
    this.#delay.disable();
  }

  #openPush(claim: PushClaim, underWay: number): PushReception {
    const { shell, payloads, onEvent, nowMs } = this.#options;
    const { workerId, step, node, totalBytes } = claim;
    const payload = payloads.take(totalBytes);
    this.#pushesUnderWay.set(workerId, underWay + 1);
    let isTransports = true;
    return {
      payload,
      begun: () => {
        shell.dispatch({ type: 'heard', nowMs: nowMs(), workerId });
        onEvent({ event: 'push-begun', workerId, step, node });
      },
      commit: (from = payload) => {
        assert(isTransports, () => 'push: expected one commit and no abort before it');
        isTransports = false;
        return this.#commit(claim, from, payload).finally(() => { this.#closePush(workerId); });
      },
      abort: () => {
        if (!isTransports) return;
        isTransports = false;
        payloads.giveBack(payload);
        this.#closePush(workerId);
      },
    };
  }

  async #commit(claim: PushClaim, from: Uint8Array, payload: Uint8Array): Promise<PushGradientReply__Output> {
    this.#pushes += 1;
    const pushId = this.#pushes;
    const fingerprint = payload.byteLength === 0 ? '' : await this.#takeIn({ pushId, from, bytes: payload, gradientBytes: claim.gradientBytes });
    return this.#options.shell.push({ ...claim, pushId, fingerprint }, payload);
  }

  async #takeIn(payload: Payload): Promise<string> {
    const { thread, payloads, holds } = this.#options;
    const { from, bytes } = payload;
    try {
      if (holds(from) && from.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0) return await thread.call('receive', payload);
      bytes.set(from);
      return await thread.call('receive', { ...payload, from: bytes });
    } catch (error) {
      // The thread keeps nothing of what it refuses, and reads nothing once it has ended.
      payloads.giveBack(bytes);
      throw error;
    }
  }

  #closePush(workerId: string): void {
    const left = (this.#pushesUnderWay.get(workerId) ?? 1) - 1;
    if (left === 0) this.#pushesUnderWay.delete(workerId);
    else this.#pushesUnderWay.set(workerId, left);
  }

  #receive(workerId: string, { generation }: WorkerIdentity, event: WorkerEvent__Output): void {
    const { shell } = this.#options;
    const nowMs = this.#options.nowMs();
    if (event.workerId !== workerId || event.generation !== generation) {
      throw new BpttError('invalid-argument', `control: expected worker ${workerId} generation ${String(generation)}, got ${event.workerId.slice(0, NAME_LENGTH_MAX)} generation ${String(event.generation)}`);
    }
    if (event.ready) shell.dispatch({ type: 'ready', nowMs, workerId });
    else if (event.leaseFailed) shell.dispatch({ type: 'lease-failed', nowMs, workerId, leaseId: event.leaseFailed.leaseId, reason: event.leaseFailed.reason.slice(0, NAME_LENGTH_MAX) });
    else shell.dispatch({ type: 'heard', nowMs, workerId });
  }

  #workerOf({ workerId, generation }: WorkerIdentity): WorkerState {
    const worker = this.#options.shell.state.workers.get(workerId);
    if (worker?.generation === generation) return worker;
    throw new BpttError('failed-precondition', `worker ${workerId.slice(0, NAME_LENGTH_MAX)} generation ${String(generation)} is not known: join again`);
  }
}

function wantedText({ step, version }: ParametersWanted): string {
  return [...(step === undefined ? [] : [`of step ${String(step)}`]), ...(version === undefined ? [] : [`of version ${String(version)}`])].join(' ');
}
