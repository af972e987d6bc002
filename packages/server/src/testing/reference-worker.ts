import { addCounts, addGradients, assert, createMicroshardComputer, encodeGradient, gradientBytes, reduceTree, referenceBackend, type MicroshardResult } from '@bptt/core';
import type { ControlChannel, Lease__Output, Microshard__Output, PulledParameters, PushGradientReply__Output, PushHeader__Output, ServerCommand__Output, ServerConnection, WorkerIdentity } from '@bptt/rpc';
import type { RunConfig } from '../run-config.js';

/** What a push consists of. */
export interface PreparedPush {
  readonly header: PushHeader__Output;
  readonly payload: Uint8Array;
}

/**
 * A worker in the fewest words: one thread, the reference backend, no retries. Tests take it step by step, or let it `run` to the end.
 */
export class ReferenceWorker {
  readonly connection: ServerConnection;
  readonly identity: WorkerIdentity;
  readonly control: ControlChannel;
  readonly #config: RunConfig;
  readonly #runId: string;
  readonly #commands: AsyncIterator<ServerCommand__Output>;

  constructor(connection: ServerConnection, config: RunConfig, { identity, runId }: { identity: WorkerIdentity; runId: string }) {
    this.connection = connection;
    this.identity = identity;
    this.#config = config;
    this.#runId = runId;
    this.control = connection.control(identity);
    this.#commands = this.control.commands[Symbol.asyncIterator]();
  }

  /** Joins with what the server asks for. */
  static async join(connection: ServerConnection, config: RunConfig): Promise<ReferenceWorker> {
    const { backendId, manifest, protocolVersionMax } = await connection.getInfo();
    assert(manifest !== null, () => 'the server has no manifest');
    const { workerId, generation, runId } = await connection.join({ protocolVersion: protocolVersionMax, backendId, manifestSha256: manifest.sha256, threads: 1, name: 'reference worker', executes: 'the reference backend' });
    return new ReferenceWorker(connection, config, { identity: { workerId, generation }, runId });
  }

  /** Asks for work and waits for it. Undefined when the run drains or the stream ends. */
  async lease(): Promise<Lease__Output | undefined> {
    this.control.send({ ready: {}, event: 'ready' });
    return this.nextLease();
  }

  /** The next lease, where one was asked for before. */
  async nextLease(): Promise<Lease__Output | undefined> {
    for (;;) {
      const next = await this.#commands.next();
      if (next.done === true || next.value.drain) return undefined;
      if (next.value.lease) return next.value.lease;
    }
  }

  /** Pulls the parameters of this version, into memory of the caller where some is given. */
  pull(version: number, into?: Uint8Array): Promise<PulledParameters> {
    return this.connection.pullParameters(this.#runId, version, into);
  }

  /** Computes a lease. */
  async compute(lease: Lease__Output): Promise<PreparedPush> {
    const { model, objective, seed } = this.#config;
    const { values } = await this.pull(lease.parametersVersion);
    const computer = createMicroshardComputer({ backend: referenceBackend({ precision: 'float32' }), model, objective, seed });
    computer.setParameters(values);
    const results = new Map<number, MicroshardResult>();
    const isTraining = lease.kind === 'LEASE_KIND_TRAIN';
    for (const message of lease.microshards) {
      const microshard = { index: message.index, T: message.timeSteps, B: message.sequences, inputs: ints(message.inputs), targets: ints(message.targets), sequences: ints(message.sequenceIndexes) };
      const states = message.initialStates.byteLength === 0 ? undefined : floats(message.initialStates);
      results.set(message.index, await (isTraining ? computer.gradient(microshard, { initialStates: states, batch: { step: lease.step, counts: lease.batch ?? addCounts([]) } }) : computer.evaluate(microshard, states)));
    }
    const node = { begin: lease.nodeBegin, width: lease.nodeWidth };
    const gradient = reduceTree(node, (index) => results.get(index)?.gradient, (left, right) => addGradients(computer.layout, left, right));
    const size = gradient === undefined ? 0 : gradientBytes(gradient);
    const states = isTraining && objective.truncation.kind === 'chunk' ? lease.microshards.map(({ index }) => results.get(index)?.finalStates ?? new Float32Array(0)) : [];
    const stateBytes = states.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const payload = new Uint8Array(size + stateBytes);
    if (gradient !== undefined) encodeGradient(gradient, payload);
    let at = size;
    for (const state of states) {
      payload.set(new Uint8Array(state.buffer, state.byteOffset, state.byteLength), at);
      at += state.byteLength;
    }
    return { header: this.#header(lease, { results, node, gradientBytes: size, stateBytes }), payload };
  }

  push({ header, payload }: PreparedPush): Promise<PushGradientReply__Output> {
    return this.connection.pushGradient(header, payload);
  }

  /** Works until the run drains, then leaves. Returns how many leases it computed. */
  async run(): Promise<number> {
    for (let leases = 0; ; leases += 1) {
      const lease = await this.lease();
      if (lease === undefined) {
        await this.connection.leave(this.identity).catch(() => undefined);
        this.control.close();
        return leases;
      }
      await this.push(await this.compute(lease));
    }
  }

  #header(lease: Lease__Output, { results, node, gradientBytes: size, stateBytes }: { results: Map<number, MicroshardResult>; node: { begin: number; width: number }; gradientBytes: number; stateBytes: number }): PushHeader__Output {
    const { leaseId, kind, step, nodeBegin, nodeWidth } = lease;
    const all = [...results.values()];
    return {
      runId: this.#runId, ...this.identity, leaseId, kind, step, nodeBegin, nodeWidth,
      totalBytes: size + stateBytes, gradientBytes: size, stateBytes,
      lossSum: reduceTree(node, (index) => results.get(index)?.lossSum, (left, right) => left + right) ?? NaN,
      tokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
      sequences: all.reduce((sum, { sequences }) => sum + sequences, 0),
    };
  }
}

/** A push that says that its gradient exploded in the first microshard of its node. */
export function exploded({ header }: PreparedPush): PreparedPush {
  const nonFinite = { microshard: header.nodeBegin, sequence: 1, timeStep: 2, layer: 0, phase: 'backward' };
  return { header: { ...header, totalBytes: 0, gradientBytes: 0, stateBytes: 0, nonFinite }, payload: new Uint8Array(0) };
}

function ints(bytes: Microshard__Output['inputs']): Int32Array {
  return new Int32Array(new Uint8Array(bytes).buffer);
}

function floats(bytes: Microshard__Output['initialStates']): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer);
}
