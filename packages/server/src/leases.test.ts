import { describe, expect, it } from 'vitest';
import { chooseNode, grantLease, LEASE_LEAVES_MAX, LEASE_MS_MAX, LEASE_PATIENCE, leaseDurationMs, leaseLimit } from './leases.js';
import { openRound, type Round } from './round.js';

function roundOf(width: number, empty: readonly number[] = []): Round {
  return openRound({ kind: 'train', step: 0, parametersVersion: 1, leaves: Array.from({ length: width }, (_, i) => (empty.includes(i) ? undefined : { tokens: 1, sequences: 1, stateBytes: 0 })) });
}

function leased(round: Round, begin: number, width: number): Round {
  return grantLease(round, { id: 1, workerId: 'w1', node: { begin, width }, grantedMs: 0, expiresMs: 1 });
}

describe('chooseNode', () => {
  it('takes the largest node within the limit, the first of several', () => {
    expect(chooseNode(roundOf(8), 8)).toEqual({ begin: 0, width: 8 });
    expect(chooseNode(roundOf(8), 5)).toEqual({ begin: 0, width: 4 });
    expect(chooseNode(roundOf(5), 4)).toEqual({ begin: 0, width: 4 });
    expect(chooseNode(roundOf(37), 7)).toEqual({ begin: 32, width: 5 });
  });

  it('takes nothing that overlaps what is leased', () => {
    expect(chooseNode(leased(roundOf(8), 0, 1), 8)).toEqual({ begin: 4, width: 4 });
    expect(chooseNode(leased(roundOf(8), 4, 4), 2)).toEqual({ begin: 0, width: 2 });
    expect(chooseNode(leased(roundOf(8), 0, 8), 8)).toBeUndefined();
  });

  it('counts only leaves that have something to compute', () => {
    expect(chooseNode(roundOf(8, [0, 1, 2, 3]), 4)).toEqual({ begin: 0, width: 8 });
    expect(chooseNode(roundOf(4, [0, 1, 2, 3]), 4)).toBeUndefined();
  });
});

describe('leaseLimit', () => {
  it('is the share of a worker by threads, at least one leaf, and bounded', () => {
    expect(leaseLimit(roundOf(8), 1, 2)).toBe(4);
    expect(leaseLimit(roundOf(8), 2, 6)).toBe(3);
    expect(leaseLimit(roundOf(2), 1, 100)).toBe(1);
    expect(leaseLimit(roundOf(1000), 4, 4)).toBe(LEASE_LEAVES_MAX);
  });
});

describe('leaseDurationMs', () => {
  it('is the floor until something is known, then a multiple of the median, and bounded', () => {
    expect(leaseDurationMs(4, 1000, [], 0)).toBe(1000);
    expect(leaseDurationMs(4, 1000, [100, 9999, 500], 0)).toBe(LEASE_PATIENCE * 500 * 4);
    expect(leaseDurationMs(4, 1000, [], 3)).toBe(8000);
    expect(leaseDurationMs(64, 1000, [1e9], 1000)).toBe(LEASE_MS_MAX);
  });
});
