import { describe, expect, it } from 'vitest';
import { simdBackend } from './simd-backend.js';
import { createThreadMemory, openThreadMemory } from './thread-memory.js';

const GIB = 2 ** 30;

describe('thread memory', () => {
  it('shares with backends what is not counted on', () => {
    const memory = createThreadMemory(GIB / 2);
    const { bytesMax } = memory.share ?? { bytesMax: 0 };
    expect(bytesMax).toBeGreaterThan(3 * GIB);
    expect(memory.reserve(GIB)).toBe(true);
    expect(memory.share).toEqual({ memory: memory.shared, bytesMax: bytesMax - GIB });
  });

  it('counts on nothing more where that would leave backends too little, or where somebody shares it already', () => {
    const memory = createThreadMemory(GIB);
    const before = memory.share;
    expect(memory.reserve(1.1 * GIB)).toBe(false);
    expect(memory.share).toEqual(before);
    expect(memory.reserve(1)).toBe(true);
    expect(memory.reserve(1)).toBe(false);
  });

  it('leaves backends their share whatever of the rest is taken', () => {
    const memory = createThreadMemory(GIB);
    memory.allocateBytes(GIB);
    const { share } = memory;
    expect(() => simdBackend({ within: share && { ...share, bytesMax: 8 << 20 } }).workspace?.allocate(1 << 20)).not.toThrow();
    expect(() => simdBackend({ within: share && { ...share, bytesMax: 8 << 20 } }).workspace?.allocate(1 << 20)).toThrow('expected at most 8388608 bytes');
    expect(() => memory.allocateBytes(GIB / 4)).not.toThrow();
  });

  it('shares nothing with backends where most of it is counted on', () => {
    const memory = createThreadMemory(2.5 * GIB);
    expect(memory.shared).toBeDefined();
    expect(memory.share).toBeUndefined();
    expect(memory.reserve(1)).toBe(false);
  });

  it('is ordinary memory where kernels could not address so much', () => {
    const memory = createThreadMemory(4 * GIB);
    expect([memory.shared, memory.share, memory.reserve(1)]).toEqual([undefined, undefined, false]);
    const values = memory.allocateFloats(3);
    expect(values.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(memory.holds(values)).toBe(true);
    expect(memory.holds(new Float32Array(3))).toBe(false);
    expect(openThreadMemory(memory.shared).floats(values)).toBe(values);
  });

  it('is the same to whoever opens it', () => {
    const memory = createThreadMemory(1);
    const opened = openThreadMemory(memory.shared);
    const values = memory.allocateFloats(3);
    values.set([1, 2, 3]);
    expect([...opened.floats(values)]).toEqual([1, 2, 3]);
    expect(opened.holds(opened.floats(values))).toBe(true);
    expect(opened.arithmetic.sumOfSquares(opened.floats(values))).toBe(14);
    expect(memory.holds(values)).toBe(true);
    expect(memory.holds(new Float32Array(3))).toBe(false);
  });
});
