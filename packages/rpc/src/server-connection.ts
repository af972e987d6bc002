import type { GetStatusReply__Output } from './gen/bptt/v1/GetStatusReply.js';
import type { JoinReply__Output } from './gen/bptt/v1/JoinReply.js';
import type { JoinRequest__Output } from './gen/bptt/v1/JoinRequest.js';
import type { PushGradientReply__Output } from './gen/bptt/v1/PushGradientReply.js';
import type { PushHeader__Output } from './gen/bptt/v1/PushHeader.js';
import type { ServerCommand__Output } from './gen/bptt/v1/ServerCommand.js';
import type { ServerInfo__Output } from './gen/bptt/v1/ServerInfo.js';
import type { WorkerEvent__Output } from './gen/bptt/v1/WorkerEvent.js';

/** Who a worker is to the server: what `join` returned. */
export interface WorkerIdentity {
  readonly workerId: string;
  readonly generation: number;
}

/** One set of parameters, complete and verified. */
export interface PulledParameters {
  /** By which a lease names them. */
  readonly version: number;
  readonly step: number;
  /** Over a SharedArrayBuffer, so that compute threads read it without a copy. Not to be written. */
  readonly values: Float32Array;
  /** Whether the values are still these parameters: memory that is shared with a server in the same process is used again. Does not know of later pulls into the same memory. */
  isHeld(): boolean;
}

/** What a worker may say, without its identity, which the channel adds. */
export type WorkerMessage = Omit<WorkerEvent__Output, 'workerId' | 'generation'>;

/** The control stream of one worker. */
export interface ControlChannel {
  /** Queues a message. Does nothing once the channel is closed. */
  send(message: WorkerMessage): void;
  /** Commands in order. Ends when either side closes; throws a `BpttError` when the stream breaks. To be iterated once. */
  readonly commands: AsyncIterable<ServerCommand__Output>;
  close(): void;
}

/**
 * A parameter server as a client sees it, whatever lies between: a function call in the same process or gRPC. Every call has a
 * deadline and rejects with a `BpttError` whose code is the gRPC status.
 */
export interface ServerConnection {
  getInfo(): Promise<ServerInfo__Output>;
  /** @throws BpttError `failed-precondition` with both values when protocol version, backend or manifest differ */
  join(request: JoinRequest__Output): Promise<JoinReply__Output>;
  control(worker: WorkerIdentity): ControlChannel;
  /**
   * The parameters of this version, by which a lease of this server names them.
   * @param into memory that threads share, large enough, whatever it holds: the values are written there where they are copied at all, and those
   *   that lie there from a pull before are gone, also where this one rejects. Not to be used otherwise until the promise settles. Default: new memory
   * @throws BpttError `aborted` when the server no longer, or not yet, holds them
   */
  pullParameters(runId: string, version: number, into?: Uint8Array): Promise<PulledParameters>;
  /** Sends header, payload and commit. `payload` must not change until the promise settles. */
  pushGradient(header: PushHeader__Output, payload: Uint8Array): Promise<PushGradientReply__Output>;
  leave(worker: WorkerIdentity): Promise<void>;
  getStatus(): Promise<GetStatusReply__Output>;
  /** Ends the connection; calls under way are cancelled. */
  close(): void;
}
