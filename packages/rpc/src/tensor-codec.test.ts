import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, CHUNK_BYTES_MAX, tensorChunks } from './tensor-codec.js';

test('the checksum is the CRC-32 of ISO 3309', () => {
  const [chunk] = tensorChunks(Buffer.from('123456789'));
  expect(chunk.crc32).toBe(0xcbf43926);
});

test('chunks lie back to back, are as long as allowed, and hold the bytes of the range', () => {
  const blob = new Uint8Array(2 * CHUNK_BYTES_MAX + 5).map((_, i) => i % 251);
  const position = fc.integer({ min: 0, max: blob.byteLength });
  fc.assert(fc.property(position, position, (a, b) => {
    const range = { begin: Math.min(a, b), end: Math.max(a, b) };
    let at = range.begin;
    for (const { offset, data, crc32: checksum } of tensorChunks(blob, range)) {
      expect(offset).toBe(at);
      expect(data.byteLength).toBe(Math.min(CHUNK_BYTES_MAX, range.end - at));
      expect(data.equals(blob.subarray(at, at + data.byteLength))).toBe(true);
      expect(checksum).toBe(crc32(data));
      at += data.byteLength;
    }
    expect(at).toBe(range.end);
  }), { numRuns: 20 });
});

test('chunks are views of the blob, also of a part of shared memory', () => {
  const values = new Float32Array(new SharedArrayBuffer(32), 8, 4).fill(1.5);
  const [chunk] = tensorChunks(bytesOf(values));
  expect(chunk.data.buffer).toBe(values.buffer);
  expect(chunk.data.readFloatLE(12)).toBe(1.5);
});

test('an empty blob has no chunks', () => {
  expect([...tensorChunks(new Uint8Array(0))]).toEqual([]);
});

test('stops on a range outside the blob', () => {
  expect(() => [...tensorChunks(new Uint8Array(4), { begin: 0, end: 5 })]).toThrow('range [0, 5) outside a blob of 4 bytes');
  expect(() => [...tensorChunks(new Uint8Array(4), { begin: 3, end: 2 })]).toThrow('range [3, 2)');
});
