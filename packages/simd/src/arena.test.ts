import { describe, expect, it } from 'vitest';
import { Arena } from './arena.js';
import { KernelMemory } from './kernel-memory.js';

const MIB = 1 << 20;

describe('Arena', () => {
  it('hands out disjoint memory on cache lines, with room behind it for what a last vector reaches past its end', () => {
    const arena = new Arena(KernelMemory.create(8 * MIB));
    const addresses = [1, 36, 37, 64, 0, 4].map((bytes) => arena.allocate(bytes));
    expect(addresses.map((address) => address - addresses[0])).toEqual([0, 64, 128, 256, 384, 448]);
  });

  it('gives back what was allocated since a mark, and all', () => {
    const arena = new Arena(KernelMemory.create(8 * MIB));
    const begin = arena.allocate(100);
    const mark = arena.mark();
    const first = arena.allocate(1000);
    arena.release(mark);
    expect(arena.allocate(1000)).toBe(first);
    arena.clear();
    expect(arena.allocate(100)).toBe(begin);
  });

  it('gives back all to a mark from before the first allocation', () => {
    const arena = new Arena(KernelMemory.create(8 * MIB));
    const mark = arena.mark();
    const first = arena.allocate(100);
    arena.release(mark);
    expect(arena.allocate(100)).toBe(first);
  });

  it('takes more memory where its pieces have no room, and the same again after it was given back', () => {
    const memory = KernelMemory.create(64 * MIB);
    const arena = new Arena(memory);
    const sizes = [3, 3, 9, 1, 2].map((size) => size * MIB);
    const first = sizes.map((size) => arena.allocate(size));
    const spans = first.map((address, i) => [address, address + sizes[i]]).sort(([a], [b]) => a - b);
    for (let i = 1; i < spans.length; i += 1) expect(spans[i][0]).toBeGreaterThanOrEqual(spans[i - 1][1]);
    const taken = memory.bytesTaken;
    for (let round = 0; round < 3; round += 1) {
      arena.clear();
      expect(sizes.map((size) => arena.allocate(size))).toEqual(first);
    }
    expect(memory.bytesTaken).toBe(taken);
  });

  it('refuses to pass the maximum of its memory, naming both sizes, and goes on with what fits', () => {
    const arena = new Arena(KernelMemory.create(8 * MIB));
    expect(() => arena.allocate(9 * MIB)).toThrow(/^simd memory: expected at most 8388608 bytes, got a need of 944\d{4}$/);
    expect(arena.allocate(1000)).toBeGreaterThan(0);
  });
});
