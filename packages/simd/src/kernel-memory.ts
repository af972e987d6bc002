import { BpttError } from '@bptt/core';
import type { CrewPlace } from './crew.js';

/** Every allocation begins on a cache line. */
const LINE_BYTES = 64;
/** Behind every allocation lies so much that a kernel may read or write past its end: what the last vectors of a ragged row reach. */
const OVERREACH_BYTES = 28;
const PAGE_BYTES = 65_536;
/** What lies below belongs to the kernels' constants. Its first word counts the lines that are taken, the second those of them that are taken from a share. */
export const RESERVED_BYTES = 8192;
/** Highest size of a memory with 32-bit addresses whose end still has an address. */
export const MEMORY_BYTES_LIMIT = 0x1_0000_0000 - PAGE_BYTES;

/** A `WebAssembly.Memory` that threads share: what one thread hands to another. */
export interface SharedMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

/** A part of a memory for several to take from: what they take together is counted. */
export interface MemoryShare {
  readonly memory: SharedMemory;
  /** Most bytes that they take, all together. */
  readonly bytesMax: number;
  /** Where threads that take from it help each other; undefined where they do not. */
  readonly crew?: CrewPlace | undefined;
}

/** What views of each memory have as their buffer: another object each time that it has grown. */
const memories = new WeakMap<ArrayBufferLike, SharedMemory>();

/**
 * The linear memory that kernels work on. It can be handed to other threads: whoever makes a `KernelMemory` of the same `SharedMemory` takes from
 * the same room. What is allocated is never given back, so allocations are for things that stay: an `Arena` deals out the rest. Addresses and views stay
 * good when it grows.
 */
export class KernelMemory {
  readonly memory: SharedMemory;
  readonly #bytesMax: number;
  /** In all, and from a share. */
  readonly #linesTaken: Uint32Array;
  readonly #shareBytesMax: number | undefined;

  /** Memory of another thread, of which at most `bytesMax` bytes may be taken in all, and at most `shareBytesMax` by those who take from a share. */
  constructor(memory: SharedMemory, bytesMax: number, shareBytesMax?: number) {
    this.memory = memory;
    this.#bytesMax = bytesMax;
    this.#linesTaken = new Uint32Array(memory.buffer, 0, 2);
    this.#shareBytesMax = shareBytesMax;
  }

  /** Takes from a share. */
  static within({ memory, bytesMax }: MemoryShare): KernelMemory {
    return new KernelMemory(memory, MEMORY_BYTES_LIMIT, bytesMax);
  }

  /**
   * New memory of at most `bytesMax` bytes, which are taken from the machine as they are needed.
   * @throws BpttError `resource-exhausted` when the machine does not even give the range of addresses
   */
  static create(bytesMax: number): KernelMemory {
    const maximum = Math.max(1, Math.floor(bytesMax / PAGE_BYTES));
    try {
      const memory = new KernelMemory(new WebAssembly.Memory({ initial: 1, maximum, shared: true }), maximum * PAGE_BYTES);
      memory.#linesTaken[0] = RESERVED_BYTES / LINE_BYTES;
      return memory;
    } catch (cause) {
      throw new BpttError('resource-exhausted', `simd memory: expected an address range of ${String(bytesMax)} bytes, got none from this machine`, { cause });
    }
  }

  /** Bytes that are taken, of all threads together. */
  get bytesTaken(): number {
    return Atomics.load(this.#linesTaken, 0) * LINE_BYTES;
  }

  /**
   * Address of `bytes` bytes, which are zero.
   * @throws BpttError `resource-exhausted` when that passes the maximum or what the machine gives
   */
  allocate(bytes: number): number {
    const lines = allocationBytes(bytes) / LINE_BYTES;
    this.#takeShare(lines);
    for (;;) {
      const begin = Atomics.load(this.#linesTaken, 0);
      this.#growTo((begin + lines) * LINE_BYTES);
      // Another thread may have taken this place meanwhile.
      if (Atomics.compareExchange(this.#linesTaken, 0, begin, begin + lines) === begin) return begin * LINE_BYTES;
    }
  }

  /** New memory for `length` floats, which are zero. Errors as `allocate`. */
  allocateFloats(length: number): Float32Array {
    return this.floats(this.allocate(length * Float32Array.BYTES_PER_ELEMENT), length);
  }

  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.#buffer(), address, length);
  }

  integers(address: number, length: number): Int32Array {
    return new Int32Array(this.#buffer(), address, length);
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer(), address, length);
  }

  /** Whether `values` is a view of this memory that was made in this thread. One that came from another thread is none, whatever it shows. */
  holds(values: ArrayBufferView): boolean {
    return memories.get(values.buffer) === this.memory;
  }

  #buffer(): ArrayBufferLike {
    const { buffer } = this.memory;
    memories.set(buffer, this.memory);
    return buffer;
  }

  #takeShare(lines: number): void {
    if (this.#shareBytesMax === undefined) return;
    const bytes = (Atomics.add(this.#linesTaken, 1, lines) + lines) * LINE_BYTES;
    if (bytes <= this.#shareBytesMax) return;
    Atomics.sub(this.#linesTaken, 1, lines);
    throw exhausted(this.#shareBytesMax, bytes);
  }

  #growTo(bytes: number): void {
    if (bytes > this.#bytesMax) throw exhausted(this.#bytesMax, bytes);
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch (cause) {
      // Another thread may have grown it meanwhile.
      if (bytes > this.memory.buffer.byteLength) throw exhausted(this.#bytesMax, bytes, cause);
    }
  }
}

function exhausted(most: number, bytes: number, cause?: unknown): BpttError {
  return new BpttError('resource-exhausted', `simd memory: expected at most ${String(most)} bytes, got a need of ${String(bytes)}`, { cause });
}

/** `bytes` rounded up to what an allocation takes. */
export function allocationBytes(bytes: number): number {
  return Math.ceil((bytes + OVERREACH_BYTES) / LINE_BYTES) * LINE_BYTES;
}
