import { BpttError, type ErrorCode } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '@bptt/trainer/settings';
import { errorReport, EXIT, exitCodeOf } from './exit-codes.js';

describe('exitCodeOf', () => {
  it.each<[ErrorCode, number]>([
    ['invalid-argument', 2], ['not-found', 2], ['already-exists', 2], ['permission-denied', 2],
    ['failed-precondition', 1], ['unavailable', 1], ['deadline-exceeded', 1], ['data-loss', 1], ['resource-exhausted', 1], ['internal', 1],
  ])('gives the code %s the exit code %i', (code, exitCode) => {
    expect(exitCodeOf(new BpttError(code, 'text'))).toBe(exitCode);
  });

  it('gives what nobody expected 1, and an interruption 130', () => {
    expect(exitCodeOf(new TypeError('x'))).toBe(EXIT.failed);
    expect(exitCodeOf('text')).toBe(EXIT.failed);
    expect(exitCodeOf(new InterruptedError('reading'))).toBe(130);
  });
});

describe('errorReport', () => {
  it('is one line', () => {
    expect(errorReport(new Error('first\n  second\n'), false)).toBe('bptt: first second\n');
    expect(errorReport('plain', false)).toBe('bptt: plain\n');
    expect(errorReport(new TypeError(''), false)).toBe('bptt: TypeError\n');
  });

  it('shows the stack when asked', () => {
    expect(errorReport(new Error('why'), true)).toMatch(/^bptt: why\nError: why\n\s+at /);
  });
});
