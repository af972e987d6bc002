import type { ServerConnection, ServerInfo__Output } from '@bptt/rpc';
import type { BlockChecks, ThreadMemory } from '@bptt/simd';
import type { RunConfig } from './run-config.js';
import type { RunData } from './run-data.js';
import type { RunEvent, RunResult } from './run-event.js';

/** How long a server waits for its workers. */
export interface ServerTiming {
  /** How often workers are asked to send a heartbeat. Default 1,000. */
  readonly heartbeatIntervalMs?: number;
  /** Silence after which a worker is given up. Default 10,000. */
  readonly workerTimeoutMs?: number;
  /** Shortest time that a lease lasts. Default 10,000. */
  readonly leaseFloorMs?: number;
  /** How often leases and workers are checked. Default 100; with the default clock less than 1,000. */
  readonly tickMs?: number;
}

export interface ParameterServerOptions {
  readonly config: RunConfig;
  readonly data: RunData;
  /** Written to `vocabulary.json` as it is. */
  readonly vocabularyJson: unknown;
  readonly runDirectory: string;
  /** Id of the backend that every worker must have. */
  readonly backendId: string;
  /** Steps that the run shall have at its end, those before a resume included. */
  readonly stepsTotal: number;
  /** Due validations without improvement after which the run ends as finished; 0 for never. Default 0. */
  readonly patience?: number | undefined;
  /** What a new run starts from, in place of what `config.initialization` draws; its hash must be `config.initialParametersSha256`. */
  readonly initialParameters?: Float32Array | undefined;
  /** Go on from the last checkpoint of `runDirectory`. Default false. */
  readonly resume?: boolean;
  /** Replace a run in `runDirectory`. Default false. */
  readonly overwrite?: boolean;
  /** Called for everything that happens. Must not throw. */
  readonly onEvent: (event: RunEvent) => void;
  /** A clock that never goes back, in milliseconds. Default one that stands still while this process is stopped. */
  readonly nowMs?: () => number;
  readonly timing?: ServerTiming;
  /** What tests do with memory for the payloads of pushes. */
  readonly payloadChecks?: BlockChecks;
}

/** A run being served. */
export interface ParameterServer {
  /** What the run is, as `GetInfo` answers it now. */
  readonly info: ServerInfo__Output;
  /** A connection inside this process, which speaks the same protocol as gRPC. */
  connect(): ServerConnection;
  /** In which its parameters lie: for workers in this process. */
  readonly memory: ThreadMemory;
  /**
   * Serves gRPC, health checking and reflection on `host:port` (loopback only); port 0 takes a free one.
   * @throws BpttError `already-exists` where the port is in use, `permission-denied` where the address is not loopback
   */
  listen(address: string): Promise<{ port: number }>;
  /** How the run ended; never rejects. Resolves when the last checkpoint and the journal are on disk. */
  readonly finished: Promise<RunResult>;
  /** Ends the run early, with a checkpoint. Resolves when the run is over. */
  stop(): Promise<void>;
  /** Gives back threads, files and ports. A run that is not over ends as interrupted, without a checkpoint; a new one without a step leaves no folder. */
  close(): Promise<void>;
}
