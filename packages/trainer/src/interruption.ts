import { BpttError } from '@bptt/core';

/** The user asked to stop, and nothing was left half done. Its code is `cancelled`. */
export class InterruptedError extends BpttError {
  constructor(what: string) {
    super('cancelled', `interrupted while ${what}`);
    this.name = 'InterruptedError';
  }
}

/** @throws InterruptedError where `signal` is aborted; `what` was being done, for people */
export function throwIfInterrupted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted === true) throw new InterruptedError(what);
}
