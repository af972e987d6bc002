import { describe, expect, it } from 'vitest';
import { describeEnd, type RoleEnd } from './role-process.js';

const end: RoleEnd = { name: 'worker 1', code: 1, signal: null, failure: undefined, drained: false, lastErrorLine: undefined };

describe('describeEnd', () => {
  it('names the process, how it ended, and what it said of it', () => {
    expect(describeEnd(end)).toBe('worker 1: exit code 1');
    expect(describeEnd({ ...end, lastErrorLine: 'out of memory' })).toBe('worker 1: exit code 1, out of memory');
    expect(describeEnd({ ...end, lastErrorLine: 'x', failure: { type: 'failed', message: 'no server', exitCode: 1 } })).toBe('worker 1: exit code 1, no server');
    expect(describeEnd({ ...end, name: 'server', code: null, signal: 'SIGKILL' })).toBe('server: signal SIGKILL');
  });
});
