import { BpttError } from '@bptt/core';

/** One of several that do the same work in turn. */
export interface Contender {
  readonly name: string;
  /** What really executes: a backend's id and executor, or a library with its version. */
  readonly executes: string;
  /** Processes that it has to itself; none where it shares the process of the benchmark. */
  readonly pids: readonly number[];
  /** Does the work once. Returns the milliseconds that it took, preparations left out. */
  step(): Promise<number>;
  /** Gives back what it holds. */
  close(): Promise<void>;
}

/** A contender that may not be there: `open` throws `Unavailable` with the reason. */
export interface Entrant {
  readonly name: string;
  open(): Promise<Contender>;
}

/** Why a contender cannot take part on this machine. Any other error is a fault and ends the benchmark. */
export class Unavailable extends Error {
  constructor(reason: string, options?: { cause?: unknown }) {
    super(reason, options);
    this.name = 'Unavailable';
  }
}

/** What `error` says where it means that this machine, or this version, does not have a backend; undefined for any other. */
export function asUnavailable(error: unknown): Unavailable | undefined {
  if (error instanceof Unavailable) return error;
  if (error instanceof BpttError && (error.code === 'failed-precondition' || error.code === 'invalid-argument')) return new Unavailable(error.message, { cause: error });
  return undefined;
}

/** An entrant that is known beforehand not to take part. */
export function absent(name: string, reason: string): Entrant {
  return { name, open: () => Promise.reject(new Unavailable(reason)) };
}
