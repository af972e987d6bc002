import { BpttError, type ErrorCode } from '@bptt/core';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** How failed calls are repeated: waits double from `firstMs` up to `mostMs`, each shortened by a random share of at most a half. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
  /** Failures in a row after which nothing is repeated any more. */
  readonly failuresMax: number;
}

/** For one call to a server that answers otherwise: at most 7 seconds of waiting. */
export const CALL_BACKOFF: Backoff = { firstMs: 200, mostMs: 2000, failuresMax: 6 };

/** For a server that is gone and may be restarted: at most a minute of waiting. */
export const RECONNECT_BACKOFF: Backoff = { firstMs: 250, mostMs: 5000, failuresMax: 15 };

const TRANSIENT: readonly ErrorCode[] = ['unavailable', 'deadline-exceeded'];

/** Whether the same call may succeed later. */
export function isTransient(error: unknown): boolean {
  return error instanceof BpttError && TRANSIENT.includes(error.code);
}

/** Waits before try number `failures + 1`. Rejects with `cancelled` as soon as `signal` is aborted. */
export async function pause({ firstMs, mostMs }: Backoff, failures: number, signal: AbortSignal): Promise<void> {
  const longestMs = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  const shareOfThousand = 1000 - randomInt(501);
  try {
    await sleep((longestMs * shareOfThousand) / 1000, undefined, { signal });
  } catch (cause) {
    throw new BpttError('cancelled', 'stopped while waiting to try again', { cause });
  }
}

/**
 * Calls until it succeeds, fails for good, or has failed `failuresMax` times.
 * @throws the last error of `call`; `cancelled` once `signal` is aborted
 */
export async function withRetries<T>(call: () => Promise<T>, backoff: Backoff, signal: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await unlessAborted(call(), signal);
    } catch (error) {
      if (!isTransient(error) || failures >= backoff.failuresMax) throw error;
    }
    await pause(backoff, failures, signal);
  }
}

/** `promise`, or a rejection with `cancelled` as soon as `signal` is aborted; what `promise` then becomes is ignored. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => { reject(new BpttError('cancelled', 'stopped before the answer came')); };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => { signal.removeEventListener('abort', abort); });
  });
}
