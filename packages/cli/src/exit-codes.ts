import { BpttError, type ErrorCode } from '@bptt/core';
import { InterruptedError } from '@bptt/trainer/settings';

/** How the process ends, for scripts. `usage`: bad usage or input. `interrupted`: after a checkpoint, where there was a run. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['invalid-argument', 'not-found', 'already-exists', 'permission-denied']);

/** The exit code for an error, whoever threw it. What is not known is `failed`. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof InterruptedError) return EXIT.interrupted;
  return error instanceof BpttError && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
}

/** One line for people: the message without line breaks. */
export function errorLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** What goes to stderr for an error: one line, and the stack where `debug` is set. */
export function errorReport(error: unknown, debug: boolean): string {
  const stack = debug && error instanceof Error && error.stack !== undefined ? `${error.stack}\n` : '';
  return `bptt: ${errorLine(error)}\n${stack}`;
}
