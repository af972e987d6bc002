import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { BpttError } from '@bptt/core';
import type { TensorChunk__Output } from './gen/bptt/v1/TensorChunk.js';
import { CHUNK_BYTES_MAX } from './tensor-codec.js';

/** Most bytes of any blob: parameters, or the payload of a push. */
export const BLOB_BYTES_MAX = 1024 * 1024 * 1024;

export interface BlobAssemblerOptions {
  /** Largest blob that is accepted. Default `BLOB_BYTES_MAX`. */
  readonly bytesMax?: number;
  /** Where the bytes go, from its beginning; what lies behind the blob's length is left alone. Default: a new SharedArrayBuffer of that length. */
  readonly into?: Uint8Array | undefined;
}

/**
 * Puts a blob together from chunks that arrive in order. Memory is given or taken once, at the beginning; each chunk is checked, hashed and
 * copied as it comes, so that no event loop stands still for a whole blob.
 */
export class BlobAssembler {
  readonly #bytes: Uint8Array;
  readonly #hash = createHash('sha256');
  #received = 0;

  /** @throws BpttError `invalid-argument` where `totalBytes`, what the sender announced, is not a length or more than is accepted */
  constructor(totalBytes: number, options: BlobAssemblerOptions = {}) {
    this.#bytes = blobMemory(totalBytes, options);
  }

  /** Bytes so far. */
  get receivedBytes(): number {
    return this.#received;
  }

  /**
   * Takes the next chunk; its data may be reused afterwards.
   * @throws BpttError `invalid-argument` for a chunk that is empty, too long, out of order or beyond the end; `data-loss` where its
   *   checksum does not fit
   */
  add(chunk: TensorChunk__Output): void {
    const { offset, data } = chunk;
    const end = this.#received + data.byteLength;
    if (data.byteLength === 0 || data.byteLength > CHUNK_BYTES_MAX) {
      throw new BpttError('invalid-argument', `blob: expected a chunk of 1 to ${String(CHUNK_BYTES_MAX)} bytes, got ${String(data.byteLength)}`);
    }
    if (offset !== this.#received) throw new BpttError('invalid-argument', `blob: expected a chunk at byte ${String(this.#received)}, got ${String(offset)}`);
    if (end > this.#bytes.byteLength) throw new BpttError('invalid-argument', `blob: expected ${String(this.#bytes.byteLength)} bytes, got at least ${String(end)}`);
    const crc = crc32(data);
    if (crc !== chunk.crc32) throw new BpttError('data-loss', `blob: expected crc32 ${hex32(chunk.crc32)} of the chunk at byte ${String(offset)}, got ${hex32(crc)}`);
    this.#bytes.set(data, offset);
    this.#hash.update(data);
    this.#received = end;
  }

  /**
   * The whole blob, once. Nothing may be added afterwards.
   * @throws BpttError `invalid-argument` where bytes are missing or the commit names another length; `data-loss` where the hash differs
   */
  finish(commit: { readonly totalBytes: number; readonly sha256: Uint8Array }): Uint8Array {
    const announced = this.#bytes.byteLength;
    if (this.#received !== announced) throw new BpttError('invalid-argument', `blob: expected ${String(announced)} bytes, got ${String(this.#received)}`);
    if (commit.totalBytes !== announced) throw new BpttError('invalid-argument', `blob: expected a commit of ${String(announced)} bytes, got ${String(commit.totalBytes)}`);
    const computed = this.#hash.digest();
    if (!computed.equals(commit.sha256)) {
      throw new BpttError('data-loss', `blob: expected sha256 ${Buffer.from(commit.sha256).toString('hex')}, got ${computed.toString('hex')}`);
    }
    return this.#bytes;
  }
}

/**
 * Memory for a blob: the beginning of `into`, or a new SharedArrayBuffer.
 * @throws BpttError `invalid-argument` where `totalBytes` is not a length or more than is accepted
 */
export function blobMemory(totalBytes: number, { bytesMax = BLOB_BYTES_MAX, into }: BlobAssemblerOptions): Uint8Array {
  const limit = Math.min(bytesMax, into?.byteLength ?? bytesMax);
  if (!Number.isSafeInteger(totalBytes) || totalBytes < 0 || totalBytes > limit) {
    throw new BpttError('invalid-argument', `blob: expected at most ${String(limit)} bytes, got ${String(totalBytes)} announced`);
  }
  return (into ?? new Uint8Array(new SharedArrayBuffer(totalBytes))).subarray(0, totalBytes);
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
