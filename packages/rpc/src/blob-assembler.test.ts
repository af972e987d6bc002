import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOB_BYTES_MAX, BlobAssembler } from './blob-assembler.js';
import type { TensorChunk__Output } from './gen/bptt/v1/TensorChunk.js';
import { sha256 } from './sha256.js';
import { CHUNK_BYTES_MAX, tensorChunks } from './tensor-codec.js';
import { patternBytes } from './testing/messages.js';

function chunk(offset: number, bytes: number[]): TensorChunk__Output {
  const data = Buffer.from(bytes);
  return { offset, data, crc32: crc32(data) };
}

function commit(bytes: Uint8Array): { totalBytes: number; sha256: Uint8Array } {
  return { totalBytes: bytes.byteLength, sha256: sha256(bytes) };
}

test('what was cut comes back, in shared memory', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 3 * CHUNK_BYTES_MAX }), fc.nat(255), (length, seed) => {
    const blob = patternBytes(length).fill(seed, 0, length >>> 1);
    const assembler = new BlobAssembler(length);
    for (const part of tensorChunks(blob)) assembler.add(part);
    const assembled = assembler.finish(commit(blob));
    expect(assembled.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(Buffer.compare(assembled, blob)).toBe(0);
  }), { numRuns: 15 });
});

test('fills the view that it is given, wherever that lies, and leaves the rest of the memory alone', () => {
  const memory = new Uint8Array(new SharedArrayBuffer(192)).fill(9);
  const assembler = new BlobAssembler(3, { into: memory.subarray(64, 128) });
  assembler.add(chunk(0, [1, 2]));
  expect(assembler.receivedBytes).toBe(2);
  assembler.add(chunk(2, [3]));
  const assembled = assembler.finish(commit(new Uint8Array([1, 2, 3])));
  expect(assembled.buffer).toBe(memory.buffer);
  expect([assembled.byteOffset, assembled.byteLength]).toEqual([64, 3]);
  expect([...memory]).toEqual([...new Array<number>(64).fill(9), 1, 2, 3, ...new Array<number>(125).fill(9)]);
});

test.each<[string, number, TensorChunk__Output[], RegExp]>([
  ['a chunk left out', 4, [chunk(0, [1]), chunk(2, [3])], /expected a chunk at byte 1, got 2/],
  ['a chunk repeated', 4, [chunk(0, [1]), chunk(0, [1])], /expected a chunk at byte 1, got 0/],
  ['a chunk beyond the end', 4, [chunk(0, [1, 2, 3]), chunk(3, [4, 5])], /expected 4 bytes, got at least 5/],
  ['an empty chunk', 4, [chunk(0, [])], /expected a chunk of 1 to 1048576 bytes, got 0/],
  ['a chunk that is too long', 2 * CHUNK_BYTES_MAX, [chunk(0, new Array<number>(CHUNK_BYTES_MAX + 1).fill(0))], /got 1048577/],
])('refuses %s as invalid-argument', (_, totalBytes, chunks, message) => {
  const assembler = new BlobAssembler(totalBytes);
  expect(() => {
    for (const part of chunks) assembler.add(part);
  }).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) as string }));
});

test('refuses a single flipped bit as data-loss and keeps what it has', () => {
  const assembler = new BlobAssembler(2);
  const torn = { ...chunk(0, [5, 7]), data: Buffer.from([5, 6]) };
  expect(() => { assembler.add(torn); }).toThrow(expect.objectContaining({ code: 'data-loss', message: expect.stringContaining('crc32') as string }));
  expect(assembler.receivedBytes).toBe(0);
});

test('refuses a commit of another length, of missing bytes, or with another hash', () => {
  const whole = new Uint8Array([1, 2]);
  const assembler = new BlobAssembler(2);
  assembler.add(chunk(0, [1]));
  expect(() => assembler.finish(commit(whole))).toThrow(expect.objectContaining({ code: 'invalid-argument', message: 'blob: expected 2 bytes, got 1' }));
  assembler.add(chunk(1, [2]));
  expect(() => assembler.finish({ ...commit(whole), totalBytes: 3 })).toThrow(expect.objectContaining({ code: 'invalid-argument', message: 'blob: expected a commit of 2 bytes, got 3' }));
  expect(() => assembler.finish({ ...commit(whole), sha256: Buffer.alloc(32) })).toThrow(expect.objectContaining({ code: 'data-loss' }));
});

test.each([-1, 1.5, NaN, BLOB_BYTES_MAX + 1, 2 ** 60])('refuses an announced length of %d before it takes memory', (totalBytes) => {
  expect(() => new BlobAssembler(totalBytes)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
});

test('refuses more than the caller or its memory allows', () => {
  expect(() => new BlobAssembler(9, { bytesMax: 8 })).toThrow('expected at most 8 bytes, got 9 announced');
  expect(() => new BlobAssembler(9, { into: new Uint8Array(new ArrayBuffer(16), 8) })).toThrow('expected at most 8 bytes, got 9 announced');
});
