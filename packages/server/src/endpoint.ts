import type { GetStatusReply__Output, JoinReply__Output, JoinRequest__Output, PulledParameters, PushGradientReply__Output, PushHeader__Output, ServerCommand__Output, ServerInfo__Output, WorkerEvent__Output, WorkerIdentity } from '@bptt/rpc';

/** The server's end of a control stream, as a transport provides it. */
export interface CommandSink {
  send(command: ServerCommand__Output): void;
  /** No more commands come. */
  end(): void;
}

/** The worker's end of a control stream, as the server provides it. */
export interface WorkerChannel {
  receive(event: WorkerEvent__Output): void;
  /** The stream is over, for whatever reason. */
  closed(): void;
}

/** Which parameters are wanted; those that the newest step is judged by where neither is given. */
export interface ParametersWanted {
  readonly step?: number | undefined;
  readonly version?: number | undefined;
}

/** Parameters that the server holds. */
export interface HeldParameters extends PulledParameters {
  /** SHA-256 of the bytes, hex. To be asked for while they are held. */
  sha256(): Promise<string>;
  /** Writes them to the shared file with this descriptor, stamped with their version. @throws BpttError `resource-exhausted` where there is no room */
  placeIn(descriptor: number): Promise<void>;
}

/** A push whose header was accepted. It has its memory until `commit` or `abort`. */
export interface PushReception {
  /** Where the payload is to be written, as long as the header says, unless it lies elsewhere when it is committed. Memory that threads share; other pushes had it before. */
  readonly payload: Uint8Array;
  /** To be called when the first chunk arrives. */
  begun(): void;
  /**
   * Takes the payload, which is complete and as it was sent.
   * @param from where it lies instead, of the same length; not to be changed until the promise settles
   */
  commit(from?: Uint8Array): Promise<PushGradientReply__Output>;
  /** The push ends without a commit. Harmless after one. */
  abort(): void;
}

/** The protocol without a transport: what in-process calls and gRPC handlers do. Methods throw `BpttError`. */
export interface Endpoint {
  getInfo(): ServerInfo__Output;
  join(request: JoinRequest__Output): JoinReply__Output;
  control(worker: WorkerIdentity, sink: CommandSink): WorkerChannel;
  parameters(runId: string, wanted: ParametersWanted): HeldParameters;
  /** A reply where the push is over before its payload comes. */
  beginPush(header: PushHeader__Output): PushReception | PushGradientReply__Output;
  leave(worker: WorkerIdentity): void;
  getStatus(): GetStatusReply__Output;
}
