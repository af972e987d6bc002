import { Server, type ServerDuplexStream, type ServerReadableStream, type sendUnaryData } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { assert, BpttError } from '@bptt/core';
import {
  BlobAssembler, listen, packageDefinition, PARAMETER_SERVER_SERVICE, SERVER_OPTIONS, services, toServiceError,
  type AdminHandlers, type ParameterServerHandlers, type PayloadPlaced__Output, type PlaceParametersReply__Output, type PlaceParametersRequest__Output, type PushGradientReply, type PushGradientReply__Output, type PushGradientRequest__Output, type PushHeader__Output,
  type ServerCommand, type WorkerEvent__Output,
} from '@bptt/rpc';
import type { Endpoint, PushReception, WorkerChannel } from './endpoint.js';
import { ServerExchange } from './exchange.js';
import { COMMANDS_QUEUED_MAX } from './in-process.js';
import { servePull } from './pull-service.js';

/** Longest time from the first frame of a push to its commit. */
export const PUSH_MS_MAX = 120_000;
/** Longest wait for the first message on a control stream. */
export const CONTROL_FIRST_MS = 10_000;
/** Longest wait for calls to end when a service closes. */
export const SHUTDOWN_MS = 2_000;

/** A server that listens. */
export interface Service {
  readonly port: number;
  /** What health checks answer. */
  setServing(isServing: boolean): void;
  close(): Promise<void>;
}

/** Serves `endpoint` by gRPC on a loopback address, with health checking and reflection. */
export async function startService(endpoint: Endpoint, address: string): Promise<Service> {
  const server = new Server(SERVER_OPTIONS);
  const exchange = ServerExchange.open();
  server.addService(services.parameterServer, { ...parameterServerHandlers(endpoint, exchange) });
  server.addService(services.admin, { ...adminHandlers(endpoint) });
  const health = new HealthImplementation({ '': 'SERVING', [PARAMETER_SERVER_SERVICE]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(packageDefinition).addToServer(server);
  return {
    port: await portOf(server, address, exchange),
    setServing: (isServing) => {
      for (const name of ['', PARAMETER_SERVER_SERVICE]) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
    },
    close: async () => {
      await shutDown(server);
      exchange?.close();
    },
  };
}

async function portOf(server: Server, address: string, exchange: ServerExchange | undefined): Promise<number> {
  try {
    return (await listen(server, address)).port;
  } catch (error) {
    exchange?.close();
    throw error;
  }
}

function parameterServerHandlers(endpoint: Endpoint, exchange: ServerExchange | undefined): ParameterServerHandlers {
  const prune = (): void => { exchange?.prune(endpoint.getStatus().workers.map(({ workerId }) => workerId)); };
  return {
    GetInfo: (_call, callback) => { answer(callback, () => endpoint.getInfo()); },
    Join: ({ request }, callback) => {
      answer(callback, () => {
        const reply = endpoint.join(request);
        prune();
        return { ...reply, exchange: exchange?.offer(reply.workerId) ?? null };
      });
    },
    Leave: ({ request }, callback) => {
      answer(callback, () => {
        endpoint.leave(request);
        return {};
      });
    },
    Control: (call) => { serveControl(endpoint, call, prune); },
    PullParameters: (call) => { void servePull(endpoint, call); },
    PlaceParameters: ({ request }, callback) => { void placeParameters(endpoint, exchange, request).then((reply) => { callback(null, reply); }, (error: unknown) => { callback(toServiceError(error)); }); },
    PushGradient: (call, callback) => { servePush(new PushStream(endpoint, exchange), call, callback); },
  };
}

function adminHandlers(endpoint: Endpoint): AdminHandlers {
  return { GetStatus: (_call, callback) => { answer(callback, () => endpoint.getStatus()); } };
}

function answer<T>(callback: sendUnaryData<T>, work: () => T): void {
  try {
    callback(null, work());
  } catch (error) {
    callback(toServiceError(error));
  }
}

async function placeParameters(endpoint: Endpoint, exchange: ServerExchange | undefined, { runId, parametersVersion }: PlaceParametersRequest__Output): Promise<PlaceParametersReply__Output> {
  if (exchange === undefined) throw new BpttError('failed-precondition', 'place: this server exchanges no files');
  const held = endpoint.parameters(runId, { version: parametersVersion });
  await exchange.place(held);
  return { step: held.step, totalBytes: held.values.byteLength };
}

function serveControl(endpoint: Endpoint, call: ServerDuplexStream<WorkerEvent__Output, ServerCommand>, onOver: () => void): void {
  let channel: WorkerChannel | undefined;
  let isOver = false;
  const patience = setTimeout(() => { fail(new BpttError('deadline-exceeded', `control: no message within ${String(CONTROL_FIRST_MS)} ms`)); }, CONTROL_FIRST_MS);
  call.on('data', (event: WorkerEvent__Output) => {
    if (isOver) return;
    try {
      clearTimeout(patience);
      channel ??= endpoint.control(event, { send, end });
      channel.receive(event);
    } catch (error) {
      fail(error);
    }
  });
  call.on('end', end);
  call.on('cancelled', end);
  call.on('error', over);

  function send(command: ServerCommand): void {
    if (isOver) return;
    if (call.writableLength >= COMMANDS_QUEUED_MAX) fail(new BpttError('resource-exhausted', `control: ${String(COMMANDS_QUEUED_MAX)} commands wait, which is the most`));
    else call.write(command);
  }

  function end(): void {
    if (isOver) return;
    over();
    call.end();
  }

  function fail(error: unknown): void {
    if (isOver) return;
    over();
    call.emit('error', toServiceError(error));
  }

  function over(): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(patience);
    channel?.closed();
    onOver();
  }
}

function servePush(push: PushStream, call: ServerReadableStream<PushGradientRequest__Output, PushGradientReply>, callback: sendUnaryData<PushGradientReply>): void {
  let isOver = false;
  const patience = setTimeout(() => { fail(new BpttError('deadline-exceeded', `push: no commit within ${String(PUSH_MS_MAX)} ms`)); }, PUSH_MS_MAX);
  call.on('data', (frame: PushGradientRequest__Output) => {
    if (isOver) return;
    try {
      const reply = push.take(frame);
      // A frame that follows the commit is of no interest any more.
      if (reply === undefined) return;
      isOver = true;
      clearTimeout(patience);
      Promise.resolve(reply).then((message) => { callback(null, message); }, (error: unknown) => { callback(toServiceError(error)); });
    } catch (error) {
      fail(error);
    }
  });
  call.on('end', () => { fail(new BpttError('data-loss', 'push: the stream ended before its commit')); });
  call.on('cancelled', () => { fail(new BpttError('cancelled', 'push: the stream was cancelled before its commit')); });
  call.on('error', (error) => { fail(error); });

  function fail(error: unknown): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(patience);
    push.abort();
    callback(toServiceError(error));
  }
}

/** The frames of one push. */
class PushStream {
  readonly #endpoint: Endpoint;
  readonly #exchange: ServerExchange | undefined;
  #header: PushHeader__Output | undefined;
  #reception: PushReception | undefined;
  #blob: BlobAssembler | undefined;

  constructor(endpoint: Endpoint, exchange: ServerExchange | undefined) {
    this.#endpoint = endpoint;
    this.#exchange = exchange;
  }

  /** The reply, where this frame brings it. */
  take({ header, chunk, commit, placed }: PushGradientRequest__Output): PushGradientReply__Output | Promise<PushGradientReply__Output> | undefined {
    if (header) {
      if (this.#reception !== undefined) throw new BpttError('invalid-argument', 'push: expected one header, got two');
      const begun = this.#endpoint.beginPush(header);
      if ('outcome' in begun) return begun;
      this.#header = header;
      this.#reception = begun;
      this.#blob = new BlobAssembler(begun.payload.byteLength, { into: begun.payload });
      return undefined;
    }
    if (this.#reception === undefined || this.#blob === undefined) throw new BpttError('invalid-argument', 'push: expected a header first');
    if (chunk) {
      const isFirst = this.#blob.receivedBytes === 0;
      this.#blob.add(chunk);
      if (isFirst) this.#reception.begun();
      return undefined;
    }
    if (placed) return this.#takePlaced(placed);
    if (!commit) throw new BpttError('invalid-argument', 'push: got an empty frame');
    this.#blob.finish(commit);
    return this.#reception.commit();
  }

  abort(): void {
    this.#reception?.abort();
  }

  /** The memory of the payload is the file's until it has been read, whatever becomes of the call. */
  async #takePlaced({ totalBytes }: PayloadPlaced__Output): Promise<PushGradientReply__Output> {
    const [header, reception] = [this.#header, this.#reception];
    assert(header !== undefined && reception !== undefined, () => 'a placed payload before its header');
    try {
      const { payload } = reception;
      if (this.#exchange === undefined) throw new BpttError('failed-precondition', 'push: this server exchanges no files');
      if (totalBytes !== payload.byteLength) throw new BpttError('invalid-argument', `push: expected ${String(payload.byteLength)} bytes placed, got ${String(totalBytes)}`);
      reception.begun();
      await this.#exchange.take(header.workerId, header.leaseId, payload);
    } catch (error) {
      reception.abort();
      throw error;
    }
    return reception.commit();
  }
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, SHUTDOWN_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
