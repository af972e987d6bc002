import { KernelMemory, MEMORY_BYTES_LIMIT, type SharedMemory } from '@bptt/simd';

/** Runs that need more are computed by the plain loops, in ordinary memory: to the same bits. Well below the 4 GiB that kernels can address. */
const KERNEL_BYTES_MAX = 3 * 2 ** 30;

/** Memory for parameters and payloads, which threads share. */
export interface RunMemory {
  /** Memory that the kernels compute in; undefined where the run needs more than they can address. */
  readonly kernels: SharedMemory | undefined;
  /** Floats that are zero, on a multiple of 64 bytes. */
  allocateFloats(length: number): Float32Array;
  /** Bytes that are zero, on a multiple of 64. */
  allocateBytes(length: number): Uint8Array;
}

/** @param bytes what the run will need, about */
export function createRunMemory(bytes: number): RunMemory {
  if (bytes > KERNEL_BYTES_MAX) {
    return {
      kernels: undefined,
      allocateFloats: (length) => new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT)),
      allocateBytes: (length) => new Uint8Array(new SharedArrayBuffer(length)),
    };
  }
  const memory = KernelMemory.create(MEMORY_BYTES_LIMIT);
  return {
    kernels: memory.memory,
    allocateFloats: (length) => memory.allocateFloats(length),
    allocateBytes: (length) => memory.bytes(memory.allocate(length), length),
  };
}
