import { encodeGradient, gradientBytes, parameterLayout, type Gradient } from '@bptt/core';
import { connect, type Lease__Output, type ServerConnection, type WorkerIdentity } from '@bptt/rpc';
import type { Contender } from './contender.js';
import { TRANSFER_BACKEND_ID, TRANSFER_MODEL, type TransferWay } from './transfer-setting.js';

const LAYOUT = parameterLayout(TRANSFER_MODEL);

/** Bytes of one push and of one pull. */
export interface TransferBytes {
  readonly push: number;
  readonly pull: number;
}

/** Pushes and pulls of bptt's own protocol, with all that belongs to them: over gRPC crc32 of each chunk and sha256 of the whole; commit and answer. */
export async function bpttContenders(way: TransferWay, address: string): Promise<{ readonly push: Contender; readonly pull: Contender; readonly bytes: TransferBytes }> {
  const connection = connect(address, { exchanges: way === 'shared memory' });
  const { manifest, protocolVersionMax, runId } = await connection.getInfo();
  if (manifest === null) throw new Error('getInfo: expected a manifest, got none');
  const identity = await connection.join({ protocolVersion: protocolVersionMax, backendId: TRANSFER_BACKEND_ID, manifestSha256: manifest.sha256, threads: 1, name: 'benchmark', executes: 'nothing' });
  if ((identity.exchange !== null) !== (way === 'shared memory')) throw new Error(`transfers: expected to go through ${way}`);
  const worker = new TransferWorker(connection, runId, identity);
  const contender = (name: string, step: () => Promise<number>): Contender => ({
    name,
    executes: way,
    pids: [],
    step,
    close: () => worker.close(),
  });
  return {
    push: contender('bptt push', () => worker.push()),
    pull: contender('bptt pull', () => worker.pull()),
    bytes: { push: worker.payload.byteLength, pull: manifest.totalBytes },
  };
}

class TransferWorker {
  readonly payload = encodeWholeGradient();
  /** Memory that is used again, as a worker does. */
  readonly #pulled = new Uint8Array(new SharedArrayBuffer(LAYOUT.size * Float32Array.BYTES_PER_ELEMENT));
  readonly #connection: ServerConnection;
  readonly #runId: string;
  readonly #identity: WorkerIdentity;
  readonly #control: ReturnType<ServerConnection['control']>;
  readonly #commands: AsyncIterator<{ lease?: Lease__Output | null }>;
  #lease: Lease__Output | undefined;
  #closed = false;

  constructor(connection: ServerConnection, runId: string, { workerId, generation }: WorkerIdentity) {
    this.#connection = connection;
    this.#runId = runId;
    this.#identity = { workerId, generation };
    this.#control = connection.control(this.#identity);
    this.#commands = this.#control.commands[Symbol.asyncIterator]();
  }

  async push(): Promise<number> {
    const { leaseId, kind, step, nodeBegin, nodeWidth } = await this.#leased();
    const bytes = this.payload.byteLength;
    const header = { runId: this.#runId, ...this.#identity, leaseId, kind, step, nodeBegin, nodeWidth, totalBytes: bytes, gradientBytes: bytes, stateBytes: 0, lossSum: 1, tokens: 1, sequences: 1 };
    const begin = performance.now();
    const { outcome } = await this.#connection.pushGradient(header, this.payload);
    const ms = performance.now() - begin;
    if (outcome !== 'PUSH_OUTCOME_COMMITTED') throw new Error(`push: expected it to be committed, got ${outcome}`);
    this.#lease = undefined;
    // When the next lease is here, the server has made its step: whoever is measured next has the machine to itself.
    await this.#leased();
    return ms;
  }

  async pull(): Promise<number> {
    const { parametersVersion } = await this.#leased();
    const begin = performance.now();
    await this.#connection.pullParameters(this.#runId, parametersVersion, this.#pulled);
    return performance.now() - begin;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#connection.leave(this.#identity);
    this.#control.close();
    this.#connection.close();
  }

  async #leased(): Promise<Lease__Output> {
    if (this.#lease !== undefined) return this.#lease;
    this.#control.send({ ready: {}, event: 'ready' });
    for (;;) {
      const result = await this.#commands.next();
      if (result.done === true) throw new Error('control: expected a lease, got the end of the stream');
      const { lease } = result.value;
      if (lease) return (this.#lease = lease);
    }
  }
}

/** A gradient in which every word occurred: as long as the parameters, and 4 bytes for each row id. */
function encodeWholeGradient(): Uint8Array {
  const { vocabulary: V, hidden: [H] } = TRANSFER_MODEL;
  const gradient: Gradient = {
    dense: new Float32Array(LAYOUT.size - V * H).fill(1e-6),
    sparse: [{ rows: Uint32Array.from({ length: V }, (_, row) => row), values: new Float32Array(V * H).fill(1e-6) }],
  };
  const bytes = new Uint8Array(gradientBytes(gradient));
  encodeGradient(gradient, bytes);
  return bytes;
}
