import { plainWorkspace, type Workspace } from '@bptt/core';
import { KernelMemory, MEMORY_BYTES_LIMIT, type MemoryShare, type SharedMemory } from './kernel-memory.js';
import { simdArithmetic } from './simd-arithmetic.js';

/** Who needs more computes by the plain loops, in ordinary memory: to the same bits. Well below the 4 GiB that kernels can address. */
const KERNEL_BYTES_MAX = 3 * 2 ** 30;
/** Up to which need backends work in the same memory. */
const SHARED_BYTES_MAX = 2 * 2 ** 30;
/** Kept free beside what is counted on, which is counted on about, and beside what backends take. */
const SPARE_BYTES = 256 * 2 ** 20;

/** Memory for large arrays that threads hand to each other. */
export interface ThreadMemory {
  /** What another thread is given to `openThreadMemory`; undefined for ordinary memory. */
  readonly shared: SharedMemory | undefined;
  /** What backends of other threads are given, so that they read without a copy what lies here: all that is not counted on. Undefined where that is too little. */
  readonly share: MemoryShare | undefined;
  /** Floats that are zero, on a multiple of 64 bytes. They are never given back. */
  readonly allocateFloats: (length: number) => Float32Array;
  /** The same of bytes. */
  readonly allocateBytes: (length: number) => Uint8Array;
  /** Whether another thread can find `values` here, as `OpenedThreadMemory.floats` and `bytes`. */
  readonly holds: (values: Float32Array | Uint8Array) => boolean;
  /**
   * Counts on so many bytes more, about, for one who uses `share` from then on. Returns false, and counts on nothing, where that would leave too little for it, or
   * where somebody has it already.
   */
  readonly reserve: (bytes: number) => boolean;
}

/** Memory of another thread, as this one works in it: arithmetic is for arrays that were taken here. */
export interface OpenedThreadMemory extends Workspace {
  /** What another thread has sent as `values`, as an array of this one. */
  readonly floats: (values: Float32Array) => Float32Array;
  /** The same of bytes. */
  readonly bytes: (values: Uint8Array) => Uint8Array;
  /** Whether arithmetic can be done on `values`. */
  readonly holds: (values: Float32Array) => boolean;
}

/** @param bytes what will be needed, about: memory of the kernels where that is not more than they can address, else ordinary memory */
export function createThreadMemory(bytes: number): ThreadMemory {
  if (bytes > KERNEL_BYTES_MAX) {
    return {
      shared: undefined,
      share: undefined,
      allocateFloats: (length) => new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT)),
      allocateBytes: (length) => new Uint8Array(new SharedArrayBuffer(length)),
      holds: ({ buffer }) => buffer instanceof SharedArrayBuffer,
      reserve: () => false,
    };
  }
  const memory = KernelMemory.create(MEMORY_BYTES_LIMIT);
  let reserved = bytes;
  let isShareTaken = false;
  return {
    shared: memory.memory,
    get share() {
      return reserved > SHARED_BYTES_MAX ? undefined : { memory: memory.memory, bytesMax: MEMORY_BYTES_LIMIT - reserved - SPARE_BYTES };
    },
    allocateFloats: (length) => memory.allocateFloats(length),
    allocateBytes: (length) => memory.bytes(memory.allocate(length), length),
    holds: (values) => memory.holds(values),
    reserve(more) {
      if (isShareTaken || reserved + more > SHARED_BYTES_MAX) return false;
      isShareTaken = true;
      reserved += more;
      return true;
    },
  };
}

/** @param shared in which all lies that is sent here; undefined for ordinary memory and the plain loops */
export function openThreadMemory(shared: SharedMemory | undefined): OpenedThreadMemory {
  if (shared === undefined) {
    return { ...plainWorkspace, floats: (values) => values, bytes: (values) => values, holds: () => true };
  }
  const memory = new KernelMemory(shared, MEMORY_BYTES_LIMIT);
  return {
    arithmetic: simdArithmetic(memory),
    allocate: (length) => memory.allocateFloats(length),
    floats: ({ byteOffset, length }) => memory.floats(byteOffset, length),
    bytes: ({ byteOffset, length }) => memory.bytes(byteOffset, length),
    holds: (values) => memory.holds(values),
  };
}
