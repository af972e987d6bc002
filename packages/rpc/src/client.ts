import { BpttError, shapeInPyTorch, toPyTorch, viewTensor } from '@bptt/core';
import { Channel } from './channel.js';
import type { DeadlinesMs } from './deadlines.js';
import type { GetStatusReply__Output } from './gen/bptt/v1/GetStatusReply.js';
import type { ServerInfo__Output } from './gen/bptt/v1/ServerInfo.js';
import type { HealthCheckResponse__Output } from './gen/grpc/health/v1/HealthCheckResponse.js';
import { layoutOf } from './manifest.js';
import { pullParameters } from './pull.js';

/** The service whose health says that a run can be worked on. */
export const PARAMETER_SERVER_SERVICE = 'bptt.v1.ParameterServer';

/** `SERVING` where the service works, `NOT_SERVING` where it does not yet or no longer. */
export type HealthStatus = HealthCheckResponse__Output['status'];

/** A tensor as PyTorch's state dict would hold it: row-major float32. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Parameters of one step by name. */
export interface NamedParameters {
  readonly step: number;
  /** SHA-256 of the flat blob, hex: what a run prints as `parameters sha256`. */
  readonly sha256: string;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
}

/**
 * A client for programs that watch a run: what it is, how it goes, its parameters. Changes nothing on the server.
 *
 * ```ts
 * const client = new BpttClient('127.0.0.1:50051');
 * const { state, step } = await client.getInfo();
 * const { tensors } = await client.parameters();
 * client.close();
 * ```
 */
export class BpttClient {
  readonly #channel: Channel;

  /**
   * @param address `host:port` on the loopback
   * @throws BpttError `invalid-argument` for no address; `permission-denied` for one that other machines can reach
   */
  constructor(address: string, options: { readonly deadlinesMs?: Partial<DeadlinesMs> } = {}) {
    this.#channel = new Channel(address, options.deadlinesMs);
  }

  /** What the server runs. */
  getInfo(): Promise<ServerInfo__Output> {
    return this.#channel.answer('getInfo', (call, done) => this.#channel.parameterServer.getInfo({}, call, done));
  }

  /** How the run goes. */
  getStatus(): Promise<GetStatusReply__Output> {
    return this.#channel.answer('getStatus', (call, done) => this.#channel.admin.getStatus({}, call, done));
  }

  /**
   * Health of a service; of the whole server for an empty name. Default: the parameter server.
   * @throws BpttError `not-found` for a service that the server does not have
   */
  async health(service: string = PARAMETER_SERVER_SERVICE): Promise<HealthStatus> {
    const { status } = await this.#channel.answer<HealthCheckResponse__Output>('healthCheck', (call, done) => this.#channel.health.check({ service }, call, done));
    return status;
  }

  /**
   * Parameters by the names and in the shapes of PyTorch, verified.
   * @param step which; default the newest
   * @throws BpttError `aborted` when the server does not hold that step; `data-loss` where bytes and hashes do not agree;
   *   `failed-precondition` where the blob was laid out by another manifest than GetInfo gave
   */
  async parameters(step?: number): Promise<NamedParameters> {
    const { runId, manifest } = await this.getInfo();
    if (manifest === null) throw new BpttError('invalid-argument', `getInfo at ${this.#channel.address}: expected a manifest, got none`);
    const layout = layoutOf(manifest);
    const pulled = await pullParameters(this.#channel, { runId, step, bytesMax: manifest.totalBytes });
    if (!pulled.manifestSha256.equals(manifest.sha256) || pulled.values.length !== layout.size) {
      throw new BpttError('failed-precondition',
        `parameters: expected ${String(layout.size)} values by manifest ${manifest.sha256.toString('hex')}, got ${String(pulled.values.length)} by ${pulled.manifestSha256.toString('hex')}`);
    }
    const tensors = new Map(layout.tensors.map((tensor) => [tensor.name, { shape: shapeInPyTorch(tensor), values: toPyTorch(tensor, viewTensor(pulled.values, tensor)) }]));
    return { step: pulled.step, sha256: pulled.sha256, tensors };
  }

  /** Ends the connection; calls under way are cancelled. */
  close(): void {
    this.#channel.close();
  }
}
