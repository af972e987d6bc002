import { setImmediate as nextTurn } from 'node:timers/promises';
import { BpttError } from '@bptt/core';
import { fromServiceError, type ControlChannel, type PushGradientReply__Output, type PushHeader__Output, type ServerCommand__Output, type ServerConnection, type WorkerIdentity, type WorkerMessage } from '@bptt/rpc';
import type { Endpoint, WorkerChannel } from './endpoint.js';

/** Commands that may wait for a worker that does not read them; one more ends its control stream. */
export const COMMANDS_QUEUED_MAX = 1024;

/** A connection to a server in the same process: the protocol without gRPC. Parameters are not copied, whatever memory is offered for them, payloads once. */
export function connectInProcess(endpoint: Endpoint): ServerConnection {
  const channels = new Set<ControlChannel>();
  let isClosed = false;

  return {
    getInfo: () => call(() => endpoint.getInfo()),
    join: (request) => call(() => endpoint.join(request)),
    control: (worker) => {
      const channel = openControl(endpoint, worker);
      channels.add(channel);
      return channel;
    },
    pullParameters: (runId, version) => call(() => endpoint.parameters(runId, { version })),
    // A push that is cancelled settles when the server no longer reads its payload.
    pushGradient: (header, payload) => call(async () => {
      const reply = await push(endpoint, { header, payload, isClosed: () => isClosed });
      if (isClosed) throw closedError();
      return reply;
    }),
    leave: (worker) => call(() => { endpoint.leave(worker); }),
    getStatus: () => call(() => endpoint.getStatus()),
    close: () => {
      isClosed = true;
      for (const channel of channels) channel.close();
      channels.clear();
    },
  };

  async function call<T>(work: () => T | Promise<T>): Promise<T> {
    if (isClosed) throw closedError();
    return work();
  }
}

interface Push {
  readonly header: PushHeader__Output;
  readonly payload: Uint8Array;
  readonly isClosed: () => boolean;
}

/** Header, payload and commit in three turns of the event loop, so that a push can be torn here as it can on a network. */
async function push(endpoint: Endpoint, { header, payload, isClosed }: Push): Promise<PushGradientReply__Output> {
  const reception = endpoint.beginPush(header);
  if ('outcome' in reception) return reception;
  try {
    if (payload.byteLength !== reception.payload.byteLength) {
      throw new BpttError('invalid-argument', `payload: expected ${String(reception.payload.byteLength)} bytes, got ${String(payload.byteLength)}`);
    }
    if (payload.byteLength > 0) reception.begun();
    await nextTurn();
    if (isClosed()) throw closedError();
    return await reception.commit(payload);
  } finally {
    reception.abort();
  }
}

function openControl(endpoint: Endpoint, identity: WorkerIdentity): ControlChannel {
  const commands = new CommandQueue();
  let worker: WorkerChannel | undefined;
  try {
    worker = endpoint.control(identity, commands);
  } catch (error) {
    commands.fail(error);
  }
  return {
    send: (message: WorkerMessage) => {
      if (commands.isOver) return;
      try {
        worker?.receive({ ...message, ...identity });
      } catch (error) {
        commands.fail(error);
        worker?.closed();
      }
    },
    commands,
    close: () => {
      if (commands.isOver) return;
      commands.end();
      worker?.closed();
    },
  };
}

/** Commands on their way to the worker. */
class CommandQueue implements AsyncIterable<ServerCommand__Output> {
  readonly #queue: ServerCommand__Output[] = [];
  #wake: () => void = () => undefined;
  #isOver = false;
  #error: BpttError | undefined;

  get isOver(): boolean {
    return this.#isOver;
  }

  send(command: ServerCommand__Output): void {
    if (this.#isOver) return;
    if (this.#queue.length >= COMMANDS_QUEUED_MAX) {
      this.fail(new BpttError('resource-exhausted', `control: ${String(COMMANDS_QUEUED_MAX)} commands wait, which is the most`));
      return;
    }
    this.#queue.push(command);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#error = fromServiceError(error);
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerCommand__Output> {
    for (;;) {
      const command = this.#queue.shift();
      if (command !== undefined) yield command;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#isOver) return;
      else await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }
}

function closedError(): BpttError {
  return new BpttError('cancelled', 'the connection is closed');
}
