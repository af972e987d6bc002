import { describe, expect, it } from 'vitest';
import { BlockPool, type BlockPoolOptions } from './block-pool.js';

const allocateShared = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes));

/** Buffers that count the blocks they make. */
function counted(blockBytes: number, memory: Partial<BlockPoolOptions> = {}): { pool: BlockPool; lengths: number[] } {
  const lengths: number[] = [];
  const { allocate = allocateShared } = memory;
  const pool = new BlockPool(blockBytes, { ...memory, allocate: (bytes) => {
    lengths.push(bytes);
    return allocate(bytes);
  } });
  return { pool, lengths };
}

describe('BlockPool', () => {
  it('give a block of exactly the length that is asked for, in shared memory', () => {
    const view = new BlockPool(100, { allocate: allocateShared }).take(37);
    expect(view).toHaveLength(37);
    expect(view.byteOffset).toBe(0);
    expect(view.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(view.buffer.byteLength).toBe(128);
  });

  it('uses a block that was given back again, also for a longer view, and never one that was not', () => {
    const { pool, lengths } = counted(1000);
    const first = pool.take(8);
    const second = pool.take(8);
    expect(second.buffer).not.toBe(first.buffer);
    pool.giveBack(first);
    const third = pool.take(1000);
    expect(third.buffer).toBe(first.buffer);
    expect(third).toHaveLength(1000);
    expect(pool.take(4).buffer).not.toBe(second.buffer);
    expect(lengths).toEqual([1024, 1024, 1024]);
  });

  it('makes a larger block where no free one is large enough, and uses that again too', () => {
    const { pool, lengths } = counted(64);
    pool.giveBack(pool.take(64));
    pool.giveBack(pool.take(65));
    pool.giveBack(pool.take(100));
    pool.giveBack(pool.take(64));
    expect(lengths).toEqual([64, 128]);
  });

  it('makes no block for nothing', () => {
    const { pool, lengths } = counted(64);
    const nothing = pool.take(0);
    expect(nothing).toHaveLength(0);
    pool.giveBack(nothing);
    expect(lengths).toEqual([]);
  });

  it('takes blocks from anywhere, from a multiple of 64 bytes on', () => {
    const memory = new SharedArrayBuffer(640);
    let at = 0;
    const allocate = (bytes: number): Uint8Array => new Uint8Array(memory, at += 64, bytes);
    const pool = new BlockPool(128, { allocate });
    const view = pool.take(12);
    expect([view.buffer, view.byteOffset, view.byteLength]).toEqual([memory, 64, 12]);
    pool.giveBack(view);
    expect(pool.take(128).byteOffset).toBe(64);
  });

  it.each<[string, (bytes: number) => Uint8Array, string]>([
    ['too short', (bytes) => new Uint8Array(bytes - 1), 'expected 64 bytes from a multiple of 64, got 63 from 0'],
    ['not aligned', (bytes) => new Uint8Array(new ArrayBuffer(bytes + 4), 4), 'expected 64 bytes from a multiple of 64, got 64 from 4'],
  ])('refuses a block that is %s', (_what, allocate, message) => {
    expect(() => new BlockPool(64, { allocate }).take(8)).toThrow(message);
  });

  it('refuses what is given back twice, and what it never gave', () => {
    const pool = new BlockPool(64, { allocate: allocateShared });
    const view = pool.take(8);
    expect(() => { pool.giveBack(view.subarray(0, 4)); }).toThrow('block of 4 bytes: given back twice, or never taken');
    pool.giveBack(view);
    expect(() => { pool.giveBack(view); }).toThrow('block of 8 bytes: given back twice, or never taken');
  });

  it('makes no more blocks than were in use at once, however many these are', () => {
    const { pool, lengths } = counted(64);
    for (let round = 0; round < 3; round += 1) {
      const taken = Array.from({ length: 300 }, () => pool.take(64));
      for (const view of taken) pool.giveBack(view);
    }
    expect(lengths).toHaveLength(300);
  });

  it('spoils the whole block that is given back where it is told to, and leaves it alone otherwise', () => {
    for (const poisoned of [true, false]) {
      const pool = new BlockPool(64, { poisoned, allocate: allocateShared });
      const view = pool.take(8);
      pool.giveBack(view);
      const block = new Float32Array(view.buffer);
      expect(block.every((value) => (poisoned ? Number.isNaN(value) : value === 0))).toBe(true);
    }
  });
});
