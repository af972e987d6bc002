import { describe, expect, it } from 'vitest';
import { FREE_BLOCKS_MAX, PayloadBuffers, type PayloadMemory } from './payload-buffers.js';

const allocateShared = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes));

/** Buffers that count the blocks they make. */
function counted(blockBytes: number, memory: Partial<PayloadMemory> = {}): { buffers: PayloadBuffers; lengths: number[] } {
  const lengths: number[] = [];
  const { allocate = allocateShared } = memory;
  const buffers = new PayloadBuffers(blockBytes, { ...memory, allocate: (bytes) => {
    lengths.push(bytes);
    return allocate(bytes);
  } });
  return { buffers, lengths };
}

describe('payload buffers', () => {
  it('give a payload of exactly the length that is asked for, in shared memory', () => {
    const payload = new PayloadBuffers(100, { allocate: allocateShared }).take(37);
    expect(payload).toHaveLength(37);
    expect(payload.byteOffset).toBe(0);
    expect(payload.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(payload.buffer.byteLength).toBe(128);
  });

  it('use a block that was given back again, also for a longer payload, and never one that was not', () => {
    const { buffers, lengths } = counted(1000);
    const first = buffers.take(8);
    const second = buffers.take(8);
    expect(second.buffer).not.toBe(first.buffer);
    buffers.giveBack(first);
    const third = buffers.take(1000);
    expect(third.buffer).toBe(first.buffer);
    expect(third).toHaveLength(1000);
    expect(buffers.take(4).buffer).not.toBe(second.buffer);
    expect(lengths).toEqual([1024, 1024, 1024]);
  });

  it('make a larger block where no free one is large enough, and use that again too', () => {
    const { buffers, lengths } = counted(64);
    buffers.giveBack(buffers.take(64));
    buffers.giveBack(buffers.take(65));
    buffers.giveBack(buffers.take(100));
    buffers.giveBack(buffers.take(64));
    expect(lengths).toEqual([64, 128]);
  });

  it('make no block for a payload without bytes', () => {
    const { buffers, lengths } = counted(64);
    const nothing = buffers.take(0);
    expect(nothing).toHaveLength(0);
    buffers.giveBack(nothing);
    expect(lengths).toEqual([]);
  });

  it('take blocks from anywhere, from a multiple of 64 bytes on', () => {
    const memory = new SharedArrayBuffer(640);
    let at = 0;
    const allocate = (bytes: number): Uint8Array => new Uint8Array(memory, at += 64, bytes);
    const buffers = new PayloadBuffers(128, { allocate });
    const payload = buffers.take(12);
    expect([payload.buffer, payload.byteOffset, payload.byteLength]).toEqual([memory, 64, 12]);
    buffers.giveBack(payload);
    expect(buffers.take(128).byteOffset).toBe(64);
  });

  it.each<[string, (bytes: number) => Uint8Array, string]>([
    ['too short', (bytes) => new Uint8Array(bytes - 1), 'expected 64 bytes from a multiple of 64, got 63 from 0'],
    ['not aligned', (bytes) => new Uint8Array(new ArrayBuffer(bytes + 4), 4), 'expected 64 bytes from a multiple of 64, got 64 from 4'],
  ])('refuse a block that is %s', (_what, allocate, message) => {
    expect(() => new PayloadBuffers(64, { allocate }).take(8)).toThrow(message);
  });

  it('refuse what is given back twice, and what they never gave', () => {
    const buffers = new PayloadBuffers(64, { allocate: allocateShared });
    const payload = buffers.take(8);
    expect(() => { buffers.giveBack(payload.subarray(0, 4)); }).toThrow('payload of 4 bytes: given back twice, or never taken');
    buffers.giveBack(payload);
    expect(() => { buffers.giveBack(payload); }).toThrow('payload of 8 bytes: given back twice, or never taken');
  });

  it('keep only so many free blocks', () => {
    const { buffers, lengths } = counted(64);
    const takeMany = (): Uint8Array[] => Array.from({ length: FREE_BLOCKS_MAX + 3 }, () => buffers.take(64));
    for (const payload of takeMany()) buffers.giveBack(payload);
    expect(lengths).toHaveLength(FREE_BLOCKS_MAX + 3);
    takeMany();
    expect(lengths).toHaveLength(FREE_BLOCKS_MAX + 6);
  });

  it('spoil the whole block that is given back where they are told to, and leave it alone otherwise', () => {
    for (const poisoned of [true, false]) {
      const buffers = new PayloadBuffers(64, { poisoned, allocate: allocateShared });
      const payload = buffers.take(8);
      buffers.giveBack(payload);
      const block = new Float32Array(payload.buffer);
      expect(block.every((value) => (poisoned ? Number.isNaN(value) : value === 0))).toBe(true);
    }
  });
});
