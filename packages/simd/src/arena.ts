import { BpttError } from '@bptt/core';

/** Every allocation begins on a cache line. */
const LINE_BYTES = 64;
/** Behind every allocation lies so much that a kernel may write over: what the last vector of a ragged row reaches past its end. */
const OVERREACH_BYTES = 12;
const PAGE_BYTES = 65_536;
/** Memory grows by at least so much, so that a first run grows it seldom. */
const GROWTH_BYTES_MIN = 4 << 20;
/** Highest size of a memory with 32-bit addresses whose end still has an address. */
export const ARENA_BYTES_LIMIT = 0x1_0000_0000 - PAGE_BYTES;

/**
 * A linear memory that is handed out from bottom to top and given back in the opposite order. Addresses stay good when the memory
 * grows; typed arrays over it do not, so views are made where they are used.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly #bytesMax: number;
  #top = 0;

  /** @throws BpttError `resource-exhausted` when the machine cannot hold an empty arena */
  constructor(bytesMax: number) {
    this.#bytesMax = Math.min(bytesMax, ARENA_BYTES_LIMIT);
    try {
      this.memory = new WebAssembly.Memory({ initial: 1, maximum: Math.max(1, Math.floor(this.#bytesMax / PAGE_BYTES)) });
    } catch (cause) {
      throw new BpttError('resource-exhausted', `simd memory: expected an address range of ${String(bytesMax)} bytes, got none from this machine`, { cause });
    }
  }

  /** What `release` takes to give back all that is allocated from now on. */
  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }

  /** Marks everything below `address` as taken. */
  reserve(address: number): void {
    if (address > this.#top) this.allocate(address - this.#top);
  }

  /**
   * Address of `bytes` bytes of unknown content.
   * @throws BpttError `resource-exhausted` when that passes the maximum of the arena or what the machine gives
   */
  allocate(bytes: number): number {
    const address = this.#top;
    const top = address + Math.ceil((bytes + OVERREACH_BYTES) / LINE_BYTES) * LINE_BYTES;
    this.#grow(top + LINE_BYTES);
    this.#top = top;
    return address;
  }

  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  integers(address: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length);
  }

  zero(address: number, bytes: number): void {
    new Uint8Array(this.memory.buffer, address, bytes).fill(0);
  }

  #grow(bytesNeeded: number): void {
    const bytes = this.memory.buffer.byteLength;
    if (bytesNeeded <= bytes) return;
    const exhausted = (cause?: unknown): BpttError =>
      new BpttError('resource-exhausted', `simd memory: expected at most ${String(this.#bytesMax)} bytes, got a need of ${String(bytesNeeded)}`, { cause });
    const pagesMax = Math.floor(this.#bytesMax / PAGE_BYTES);
    const pages = Math.ceil(bytesNeeded / PAGE_BYTES);
    if (pages > pagesMax) throw exhausted();
    const generous = Math.min(pagesMax, Math.max(pages, Math.ceil((bytes + GROWTH_BYTES_MIN) / PAGE_BYTES)));
    try {
      this.memory.grow(generous - bytes / PAGE_BYTES);
    } catch (cause) {
      throw exhausted(cause);
    }
  }
}
