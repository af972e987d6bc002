import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { assert } from '@bptt/core';
import type { TensorChunk__Output } from './gen/bptt/v1/TensorChunk.js';

assert(endianness() === 'LE', () => 'bptt sends numbers as they lie in memory and needs a little-endian machine');

/** Most bytes of data in one chunk. */
export const CHUNK_BYTES_MAX = 1024 * 1024;

/** The bytes `[begin, end)` of a blob. */
export interface BlobRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * Cuts `range` of `blob` (default: all of it) into chunks of `CHUNK_BYTES_MAX`, the last one shorter. Their data are views of `blob`,
 * which must not change before they are sent; each checksum is computed when its chunk is asked for.
 */
export function* tensorChunks(blob: Uint8Array, range: BlobRange = { begin: 0, end: blob.byteLength }): Generator<TensorChunk__Output, void> {
  const { begin, end } = range;
  assert(begin >= 0 && begin <= end && end <= blob.byteLength, () => `tensorChunks: range [${String(begin)}, ${String(end)}) outside a blob of ${String(blob.byteLength)} bytes`);
  for (let offset = begin; offset < end; offset += CHUNK_BYTES_MAX) {
    const data = Buffer.from(blob.buffer, blob.byteOffset + offset, Math.min(CHUNK_BYTES_MAX, end - offset));
    yield { offset, data, crc32: crc32(data) };
  }
}

/** The floats that bytes, a whole number of them from a multiple of 4 on, hold, as a view. */
export function floatsOf({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  return new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT);
}

/** The bytes of `values`, as a view. */
export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
