import { status } from '@grpc/grpc-js';
import { BpttError, type ErrorCode } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { ERROR_TEXT_LENGTH_MAX, fromServiceError, toServiceError } from './errors.js';

const CODES: readonly ErrorCode[] = [
  'invalid-argument', 'failed-precondition', 'not-found', 'already-exists', 'aborted', 'unavailable', 'data-loss',
  'resource-exhausted', 'unauthenticated', 'permission-denied', 'deadline-exceeded', 'cancelled', 'internal',
];

function nodeError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

function grpcError(code: status, details: string): Error {
  return Object.assign(new Error(`${String(code)} ${status[code]}: ${details}`), { code, details });
}

describe('toServiceError()', () => {
  it('gives every code a status of its own that comes back', () => {
    const numbers = new Set<number>();
    for (const code of CODES) {
      const error = toServiceError(new BpttError(code, 'expected 1, got 2'));
      numbers.add(error.code);
      expect(fromServiceError(error)).toMatchObject({ code, message: 'expected 1, got 2' });
    }
    expect(numbers.size).toBe(CODES.length);
  });

  it('uses the numbers of gRPC', () => {
    expect(toServiceError(new BpttError('data-loss', '')).code).toBe(15);
    expect(toServiceError(new BpttError('aborted', '')).code).toBe(10);
  });

  it('makes INTERNAL of whatever else was thrown', () => {
    expect(toServiceError(new TypeError('x is undefined'))).toMatchObject({ code: status.INTERNAL, details: 'x is undefined' });
    expect(toServiceError('text')).toMatchObject({ code: status.INTERNAL, details: 'text' });
  });

  it('cuts a text that would not fit into a header', () => {
    expect(toServiceError(new BpttError('internal', 'x'.repeat(100_000))).details).toHaveLength(ERROR_TEXT_LENGTH_MAX);
  });
});

describe('fromServiceError()', () => {
  it('passes a BpttError on as it is', () => {
    const error = new BpttError('aborted', 'stale');
    expect(fromServiceError(error, 'join')).toBe(error);
  });

  it.each<[string, ErrorCode]>([
    ['ECONNREFUSED', 'unavailable'], ['ECONNRESET', 'unavailable'], ['ENOTFOUND', 'unavailable'], ['EPIPE', 'unavailable'],
    ['EADDRINUSE', 'already-exists'], ['EACCES', 'permission-denied'], ['ERR_SOMETHING', 'internal'],
  ])('reads Node code %s as %s', (nodeCode, code) => {
    const cause = nodeError(nodeCode);
    expect(fromServiceError(cause)).toMatchObject({ code, message: `connect ${nodeCode}`, cause });
  });

  it('reads statuses that have no code of their own', () => {
    expect(fromServiceError(grpcError(status.UNIMPLEMENTED, 'no such method')).code).toBe('failed-precondition');
    expect(fromServiceError(grpcError(status.OUT_OF_RANGE, 'beyond')).code).toBe('invalid-argument');
    expect(fromServiceError(grpcError(status.UNKNOWN, '?')).code).toBe('internal');
  });

  it('says which call it was where the text is the transport\'s, and leaves the server\'s text alone', () => {
    const lost = grpcError(status.UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1 (2020-01-02T03:04:05.678Z). Resolution note: ');
    expect(fromServiceError(lost, 'join at 127.0.0.1:1').message).toBe('join at 127.0.0.1:1: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1');
    expect(fromServiceError(grpcError(status.ABORTED, 'step 3 is over'), 'join at 127.0.0.1:1').message).toBe('step 3 is over');
  });
});
