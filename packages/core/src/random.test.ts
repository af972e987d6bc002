import { describe, expect, it } from 'vitest';
import { stream, threefry2x32 } from './random.js';

describe('threefry2x32', () => {
  it('gives the known answers of the Random123 distribution for 20 rounds', () => {
    expect(threefry2x32([0, 0], [0, 0])).toEqual([0x6b200159, 0x99ba4efe]);
    expect(threefry2x32([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff])).toEqual([0x1cb996fc, 0xbb002be7]);
    expect(threefry2x32([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3])).toEqual([0xc4923a9c, 0x483df7a0]);
  });
});

describe('stream', () => {
  it('is a pure function of seed, purpose, path and counter', () => {
    const first = stream(7, 'order', 3);
    const values = [first.bits(5), first.bits(0), first.bits(5)];
    expect(values[2]).toBe(values[0]);
    expect(stream(7, 'order', 3).bits(5)).toBe(values[0]);
  });

  it('differs when any part of its name differs', () => {
    const names = [stream(1, 'a', 2), stream(1, 'a', 3), stream(1, 'a', 2, 0), stream(1, 'a'), stream(1, 'b', 2), stream(2, 'a', 2), stream(1 + 2 ** 32, 'a', 2)];
    expect(new Set(names.map((s) => s.bits(0))).size).toBe(names.length);
  });

  it('fills an array with both halves of its blocks', () => {
    const random = stream(3, 'fill', 1);
    const [even, odd] = [new Uint32Array(6), new Uint32Array(5)];
    random.fill(even);
    random.fill(odd);
    expect([even[0], even[2], even[4]]).toEqual([random.bits(0), random.bits(1), random.bits(2)]);
    expect(odd).toEqual(even.subarray(0, 5));
    expect(new Set(even).size).toBe(6);
  });

  it('is uniform: mean, variance and neighbours of 100,000 numbers', () => {
    const { uniform } = stream(1, 'test');
    const n = 100_000;
    const values = Float64Array.from({ length: n }, (_, i) => uniform(i));
    const mean = values.reduce((sum, x) => sum + x, 0) / n;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    const neighbours = values.subarray(1).reduce((sum, x, i) => sum + (x - mean) * (values[i] - mean), 0) / n / variance;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.004);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001);
    expect(Math.abs(neighbours)).toBeLessThan(0.015);
    expect(values.every((x) => x >= 0 && x < 1)).toBe(true);
  });
});
