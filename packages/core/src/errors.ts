/** What went wrong, in the vocabulary of gRPC status codes (kebab-case), so that one error type serves library, wire and command line. */
export type ErrorCode =
  | 'invalid-argument'
  | 'failed-precondition'
  | 'not-found'
  | 'already-exists'
  | 'aborted'
  | 'unavailable'
  | 'data-loss'
  | 'resource-exhausted'
  | 'unauthenticated'
  | 'permission-denied'
  | 'deadline-exceeded'
  | 'cancelled'
  | 'internal';

/** The one operating error of bptt: a machine-readable `code`, one clear line of text, and the `cause` where there is one. */
export class BpttError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'BpttError';
    this.code = code;
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Stops on a programmer error. The message is built only when the condition fails. */
export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message()}`);
}
