import type { CallOptions, requestCallback } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';
import { CLIENT_OPTIONS } from './channel-options.js';
import { clientCredentials } from './credentials.js';
import { DEADLINES_MS, type CallName, type DeadlinesMs } from './deadlines.js';
import { fromServiceError } from './errors.js';
import type { AdminClient } from './gen/bptt/v1/Admin.js';
import type { ParameterServerClient } from './gen/bptt/v1/ParameterServer.js';
import type { HealthClient } from './gen/grpc/health/v1/Health.js';
import { clients } from './proto.js';

/** Of every grpc-js call: what is needed to end it and to know that it ended. */
interface Call {
  cancel(): void;
  once(event: 'status', listener: () => void): unknown;
}

/**
 * One connection to a server with a client of each of its services. Knows the calls under way, which grpc-js goes on with after a
 * channel is closed. Connects at the first call.
 */
export class Channel {
  readonly address: string;
  readonly parameterServer: ParameterServerClient;
  readonly admin: AdminClient;
  readonly health: HealthClient;
  readonly #deadlinesMs: DeadlinesMs;
  readonly #underWay = new Set<Call>();
  #closed = false;

  /** @throws BpttError `invalid-argument` or `permission-denied` for an address that may not be used */
  constructor(address: string, deadlinesMs: Partial<DeadlinesMs> = {}) {
    const credentials = clientCredentials(address);
    this.address = address;
    this.#deadlinesMs = { ...DEADLINES_MS, ...deadlinesMs };
    this.parameterServer = new clients.parameterServer(address, credentials, CLIENT_OPTIONS);
    const shared = { channelOverride: this.parameterServer.getChannel() };
    this.admin = new clients.admin(address, credentials, shared);
    this.health = new clients.health(address, credentials, shared);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Makes a call with its deadline, to be cancelled when the channel closes. */
  start<C extends Call>(name: CallName, begin: (options: CallOptions) => C): C {
    if (this.#closed) throw new BpttError('cancelled', `${this.#nameOf(name)}: the connection is closed`);
    const call = begin({ deadline: Date.now() + this.#deadlinesMs[name] });
    this.#underWay.add(call);
    call.once('status', () => this.#underWay.delete(call));
    return call;
  }

  /** Makes a call with one answer. */
  answer<R>(name: CallName, begin: (options: CallOptions, callback: requestCallback<R>) => Call): Promise<R> {
    return new Promise((resolve, reject) => {
      const callback: requestCallback<R> = (error, reply) => {
        if (reply === undefined) reject(this.failure(name, error));
        else resolve(reply);
      };
      this.start(name, (options) => begin(options, callback));
    });
  }

  /** The error that a caller of `name` gets. A call that ends as cancelled, though nobody here did that, was cut off by its server. */
  failure(name: CallName, error: unknown): BpttError {
    const failure = fromServiceError(error, this.#nameOf(name));
    if (failure.code !== 'cancelled' || failure === error || this.#closed) return failure;
    return new BpttError('unavailable', `${this.#nameOf(name)}: the server ended the call`, { cause: error });
  }

  /** Cancels the calls under way and ends the connection. */
  close(): void {
    this.#closed = true;
    for (const call of this.#underWay) call.cancel();
    this.parameterServer.close();
  }

  #nameOf(name: CallName): string {
    return `${name} at ${this.address}`;
  }
}
