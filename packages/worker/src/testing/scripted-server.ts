import { BpttError, OBJECTIVE_DEFAULTS, parameterLayout, type Microshard } from '@bptt/core';
import {
  bytesOf, manifestOf, modelMessageOf, objectiveMessageOf, PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN,
  type ControlChannel, type JoinRequest__Output, type Lease__Output, type Microshard__Output, type PushGradientReply__Output, type PushHeader__Output,
  type PushOutcome__Output, type ServerCommand__Output, type ServerConnection, type ServerInfo__Output, type WorkerIdentity, type WorkerMessage,
} from '@bptt/rpc';
import { BACKEND_ID, BATCH, MODEL, sharedParameters } from './fixtures.js';

export const RUN_ID = 'scripted-run';

/** The server's side of one control stream. */
export interface Stream {
  readonly worker: WorkerIdentity;
  command(command: ServerCommand__Output): void;
  /** Breaks the stream. */
  fail(error: BpttError): void;
}

/** What a test makes the server do. Whatever is not given answers as a healthy server would. */
export interface Script {
  /** `count`: how many messages of that kind came so far on all streams, this one included. */
  onMessage?(message: WorkerMessage, count: number, stream: Stream): void;
  getInfo?(count: number): Promise<ServerInfo__Output>;
  join?(request: JoinRequest__Output, count: number): void;
  /** `into`: the memory that the worker offers. */
  pull?(step: number, count: number, into: Uint8Array | undefined): Promise<void>;
  /** Whether pulls copy into the memory that the worker offers, as over a network. Default false. */
  readonly copies?: boolean;
  /** Whether parameters that were pulled are still in memory. */
  isHeld?(): boolean;
  push?(header: PushHeader__Output, count: number): Promise<PushOutcome__Output>;
  leave?(): Promise<void>;
}

export interface ScriptedServer {
  readonly connection: ServerConnection;
  readonly calls: {
    readonly joins: JoinRequest__Output[];
    readonly pulls: number[];
    readonly pushes: { readonly header: PushHeader__Output; readonly payload: Uint8Array }[];
    readonly messages: WorkerMessage[];
    readonly leaves: WorkerIdentity[];
    /** Calls and messages in the order in which they came. */
    readonly log: string[];
  };
}

/** What a healthy server says of its run. */
export function healthyInfo(): ServerInfo__Output {
  return {
    protocolVersionMin: PROTOCOL_VERSION_MIN, protocolVersionMax: PROTOCOL_VERSION_MAX, runId: RUN_ID, backendId: BACKEND_ID, model: modelMessageOf(MODEL), objective: objectiveMessageOf(OBJECTIVE_DEFAULTS), seed: 1,
    manifest: manifestOf(parameterLayout(MODEL)), microshards: 8, state: 'RUN_STATE_TRAINING', step: 0,
  };
}

/** The parameters that the server holds at a step. */
export function parametersAt(step: number): Float32Array {
  return sharedParameters(MODEL, 100 + step);
}

const STEPS = Array.from({ length: 12 }, (_, step) => step);

/** The version of the parameters at a step. */
export function versionAt(step: number): number {
  return 50 + step;
}

/** A server that follows a script: the other end of a worker, where a test decides what happens when. */
export function scriptedServer(script: Script): ScriptedServer {
  const calls: ScriptedServer['calls'] = { joins: [], pulls: [], pushes: [], messages: [], leaves: [], log: [] };
  let infos = 0;
  const connection: ServerConnection = {
    async getInfo() {
      infos += 1;
      return script.getInfo === undefined ? healthyInfo() : script.getInfo(infos);
    },
    async join(request) {
      calls.joins.push(request);
      calls.log.push('join');
      const generation = calls.joins.length;
      await Promise.resolve(script.join?.(request, generation));
      return { workerId: `worker-${String(generation)}`, generation, heartbeatIntervalMs: 5, workerTimeoutMs: 1000, runId: RUN_ID, exchange: null };
    },
    control(worker) {
      const stream = openStream(worker);
      return {
        ...stream.channel,
        send(message) {
          calls.messages.push(message);
          if (message.event !== 'heartbeat') calls.log.push(message.event ?? 'nothing');
          script.onMessage?.(message, calls.messages.filter(({ event }) => event === message.event).length, stream);
        },
      };
    },
    async pullParameters(_runId, version, into) {
      const step = STEPS.find((candidate) => versionAt(candidate) === version);
      if (step === undefined) throw new BpttError('aborted', `parameters of version ${String(version)} are those of no step`);
      calls.pulls.push(step);
      await script.pull?.(step, calls.pulls.length, into);
      const values = script.copies === true && into !== undefined ? copyInto(into, parametersAt(step)) : parametersAt(step);
      return { version, step, values, isHeld: () => script.isHeld?.() ?? true };
    },
    async pushGradient(header, payload): Promise<PushGradientReply__Output> {
      // The worker uses the memory of a payload again.
      calls.pushes.push({ header, payload: payload.slice() });
      calls.log.push('push');
      const outcome = await (script.push?.(header, calls.pushes.length) ?? 'PUSH_OUTCOME_COMMITTED');
      return { outcome, currentStep: header.step };
    },
    async leave(worker) {
      calls.leaves.push(worker);
      calls.log.push('leave');
      await script.leave?.();
    },
    getStatus: () => Promise.reject(new BpttError('internal', 'not in any script')),
    close: () => undefined,
  };
  return { connection, calls };
}

/** A training lease of `microshards`, which make a whole node. */
export function leaseOf(leaseId: number, step: number, microshards: readonly Microshard[]): Lease__Output {
  return {
    leaseId, kind: 'LEASE_KIND_TRAIN', step, nodeBegin: microshards[0].index, nodeWidth: microshards.length, expiresInMs: 10_000, batch: BATCH.counts,
    microshards: microshards.map(microshardMessage), parametersVersion: versionAt(step),
  };
}

export function microshardMessage({ index, T, B, inputs, targets, sequences }: Microshard): Microshard__Output {
  const copy = (values: Int32Array): Buffer => Buffer.from(bytesOf(values));
  return { index, timeSteps: T, sequences: B, inputs: copy(inputs), targets: copy(targets), sequenceIndexes: copy(sequences), initialStates: Buffer.alloc(0), features: Buffer.alloc(0), values: Buffer.alloc(0) };
}

function copyInto(memory: Uint8Array, values: Float32Array): Float32Array {
  const copy = new Float32Array(memory.buffer, memory.byteOffset, values.length);
  copy.set(values);
  return copy;
}

function openStream(worker: WorkerIdentity): Stream & { readonly channel: ControlChannel } {
  const queued: ServerCommand__Output[] = [];
  let failure: BpttError | undefined;
  let closed = false;
  let wake = (): void => undefined;
  async function* read(): AsyncGenerator<ServerCommand__Output, void> {
    for (;;) {
      const next = queued.shift();
      if (next !== undefined) yield next;
      else if (failure !== undefined) throw failure;
      else if (closed) return;
      else await new Promise<void>((resolve) => { wake = resolve; });
    }
  }
  return {
    worker,
    command(command) {
      queued.push(command);
      wake();
    },
    fail(error) {
      failure = error;
      wake();
    },
    channel: {
      send: () => undefined,
      commands: read(),
      close() {
        closed = true;
        wake();
      },
    },
  };
}
