import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { BpttError, type ErrorCode } from '@bptt/core';

/** Longest error text that goes on the wire, where it must fit into a header. */
export const ERROR_TEXT_LENGTH_MAX = 1024;

const STATUS_OF_CODE: Readonly<Record<ErrorCode, status>> = {
  'invalid-argument': status.INVALID_ARGUMENT,
  'failed-precondition': status.FAILED_PRECONDITION,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  aborted: status.ABORTED,
  unavailable: status.UNAVAILABLE,
  'data-loss': status.DATA_LOSS,
  'resource-exhausted': status.RESOURCE_EXHAUSTED,
  unauthenticated: status.UNAUTHENTICATED,
  'permission-denied': status.PERMISSION_DENIED,
  'deadline-exceeded': status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
};

const CODE_OF_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  ...(Object.entries(STATUS_OF_CODE) as [ErrorCode, status][]).map(([code, number]): [number, ErrorCode] => [number, code]),
  [status.OUT_OF_RANGE, 'invalid-argument'],
  // The other side speaks gRPC but lacks the call: another program, or another version.
  [status.UNIMPLEMENTED, 'failed-precondition'],
  [status.UNKNOWN, 'internal'],
]);

const CODE_OF_NODE_ERROR: ReadonlyMap<string, ErrorCode> = new Map([
  ['ECONNREFUSED', 'unavailable'],
  ['ECONNRESET', 'unavailable'],
  ['EPIPE', 'unavailable'],
  ['ETIMEDOUT', 'unavailable'],
  ['EHOSTUNREACH', 'unavailable'],
  ['ENETUNREACH', 'unavailable'],
  ['ENOTFOUND', 'unavailable'],
  ['EAI_AGAIN', 'unavailable'],
  ['EADDRINUSE', 'already-exists'],
  ['EADDRNOTAVAIL', 'invalid-argument'],
  ['EACCES', 'permission-denied'],
]);

// Statuses that the transport itself makes, whose text does not say which server and call it was.
const MADE_BY_TRANSPORT: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unavailable', 'deadline-exceeded', 'cancelled', 'internal']);

/** What a service handler answers with where it fails. An error that is no `BpttError` becomes INTERNAL. */
export function toServiceError(error: unknown): ServiceError {
  const { code, message } = fromServiceError(error);
  const details = message.slice(0, ERROR_TEXT_LENGTH_MAX);
  return Object.assign(new Error(details, { cause: error }), { code: STATUS_OF_CODE[code], details, metadata: new Metadata() });
}

/**
 * What a caller gets where a call fails: gRPC statuses and Node's network errors as a `BpttError`; one that is already there passes.
 * @param call which call, to which server; put before texts that the transport made
 */
export function fromServiceError(error: unknown, call?: string): BpttError {
  if (error instanceof BpttError) return error;
  const { code, text } = classify(error);
  const prefix = call !== undefined && MADE_BY_TRANSPORT.has(code) ? `${call}: ` : '';
  return new BpttError(code, prefix + text, { cause: error });
}

function classify(error: unknown): { code: ErrorCode; text: string } {
  if (!(error instanceof Error)) return { code: 'internal', text: String(error) };
  const { code, details } = error as { code?: unknown; details?: unknown };
  if (typeof code === 'number' && typeof details === 'string') {
    return { code: CODE_OF_STATUS.get(code) ?? 'internal', text: withoutNoise(details) };
  }
  if (typeof code === 'string') return { code: CODE_OF_NODE_ERROR.get(code) ?? 'internal', text: error.message };
  return { code: 'internal', text: error.message };
}

// grpc-js adds the time of the failure and a note on name resolution, empty for an address.
function withoutNoise(details: string): string {
  return details.replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '').replace(/\.? Resolution note:\s*$/, '');
}
