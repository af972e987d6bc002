import type { ClientDuplexStream } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';
import type { Channel } from './channel.js';
import type { ServerCommand__Output } from './gen/bptt/v1/ServerCommand.js';
import type { WorkerEvent } from './gen/bptt/v1/WorkerEvent.js';
import type { ControlChannel, WorkerIdentity, WorkerMessage } from './server-connection.js';

/** Messages that may wait for a server that does not read; one more breaks the stream. */
export const CONTROL_QUEUE_MESSAGES_MAX = 1024;
/** How long a server may take to end its side after `close`. */
export const CONTROL_CLOSE_MS = 1_000;

/** The control stream of one worker over gRPC. */
export class ControlStream implements ControlChannel {
  readonly #channel: Channel;
  readonly #worker: WorkerIdentity;
  readonly #call: ClientDuplexStream<WorkerEvent, ServerCommand__Output>;
  #closed = false;
  #failure: BpttError | undefined;

  constructor(channel: Channel, { workerId, generation }: WorkerIdentity) {
    this.#channel = channel;
    this.#worker = { workerId, generation };
    this.#call = channel.start('control', (options) => channel.parameterServer.control(options));
    this.#call.on('error', (error) => {
      this.#failure ??= channel.failure('control', error);
    });
  }

  get commands(): AsyncIterable<ServerCommand__Output> {
    return this.#iterate();
  }

  send(message: WorkerMessage): void {
    if (this.#closed || this.#failure !== undefined || this.#call.writableEnded) return;
    if (this.#call.writableLength >= CONTROL_QUEUE_MESSAGES_MAX) {
      this.#failure = new BpttError('resource-exhausted', `control at ${this.#channel.address}: expected at most ${String(CONTROL_QUEUE_MESSAGES_MAX)} messages waiting, the server reads none`);
      this.#call.cancel();
      return;
    }
    this.#call.write({ ...this.#worker, ...message });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#call.end();
    setTimeout(() => {
      this.#call.cancel();
    }, CONTROL_CLOSE_MS).unref();
  }

  async *#iterate(): AsyncGenerator<ServerCommand__Output, void> {
    try {
      // A broken stream ends this loop or makes it throw, whichever grpc-js reports first; #failure tells both apart from an end.
      for await (const command of this.#call as AsyncIterable<ServerCommand__Output>) yield command;
    } catch (error) {
      this.#failure ??= this.#channel.failure('control', error);
    } finally {
      if (this.#failure === undefined) this.close();
    }
    if (this.#failure !== undefined && !this.#closed && !this.#channel.closed) throw this.#failure;
  }
}
