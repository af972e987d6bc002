import { BpttError } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { Arena } from './arena.js';

const MIB = 1 << 20;

describe('Arena', () => {
  it('hands out disjoint memory on cache lines, with room behind it for what a last vector writes past its end', () => {
    const arena = new Arena(MIB);
    const addresses = [1, 52, 53, 64, 0, 4].map((bytes) => arena.allocate(bytes));
    expect(addresses).toEqual([0, 64, 128, 256, 384, 448]);
  });

  it('gives back what was allocated since a mark', () => {
    const arena = new Arena(MIB);
    arena.allocate(100);
    const mark = arena.mark();
    const first = arena.allocate(1000);
    arena.release(mark);
    expect(arena.allocate(1000)).toBe(first);
  });

  it('keeps addresses and values when it grows', () => {
    const arena = new Arena(64 * MIB);
    const address = arena.allocate(12);
    const before = arena.floats(address, 3);
    before.set([1, 2, 3]);
    arena.allocate(32 * MIB);
    expect(before).toHaveLength(0);
    expect([...arena.floats(address, 3)]).toEqual([1, 2, 3]);
  });

  it('reserves up to an address, and nothing below what is taken', () => {
    const arena = new Arena(MIB);
    arena.reserve(1000);
    expect(arena.mark()).toBe(1024);
    arena.reserve(10);
    expect(arena.mark()).toBe(1024);
  });

  it('refuses to pass its maximum, naming both sizes, and goes on with what fits', () => {
    const arena = new Arena(MIB);
    const error = catchError(() => arena.allocate(2 * MIB));
    expect(error).toMatchObject({ code: 'resource-exhausted', message: 'simd memory: expected at most 1048576 bytes, got a need of 2097280' });
    expect(arena.allocate(1000)).toBe(0);
  });

  it('zeroes the bytes named and no others', () => {
    const arena = new Arena(MIB);
    const address = arena.allocate(16);
    arena.floats(address, 4).fill(7);
    arena.zero(address, 8);
    expect([...arena.floats(address, 4)]).toEqual([0, 0, 7, 7]);
  });
});

function catchError(f: () => unknown): BpttError | undefined {
  try {
    f();
  } catch (error) {
    if (error instanceof BpttError) return error;
    throw error;
  }
  return undefined;
}
