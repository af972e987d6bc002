import { allocationBytes, type KernelMemory } from './kernel-memory.js';

/** Memory is taken in pieces of at least so much. */
const CHUNK_BYTES_MIN = 4 << 20;

interface Chunk {
  readonly begin: number;
  readonly end: number;
}

/** A place in an arena: what is allocated later is given back together. */
export interface ArenaMark {
  readonly chunk: number;
  readonly top: number;
}

/** Deals out memory from bottom to top and takes it back in the opposite order. One thread has one; several may take from the same memory. */
export class Arena {
  readonly memory: KernelMemory;
  readonly #chunks: Chunk[] = [];
  #chunk = 0;
  #top = 0;

  constructor(memory: KernelMemory) {
    this.memory = memory;
  }

  /** What `release` takes to give back all that is allocated from now on. */
  mark(): ArenaMark {
    return { chunk: this.#chunk, top: this.#top };
  }

  release({ chunk, top }: ArenaMark): void {
    this.#chunk = chunk;
    // A mark from before the first piece lies below it.
    this.#top = Math.max(top, this.#chunks.at(chunk)?.begin ?? 0);
  }

  /** Gives back all. */
  clear(): void {
    this.release({ chunk: 0, top: 0 });
  }

  /**
   * Address of `bytes` bytes of unknown content.
   * @throws BpttError `resource-exhausted` when the memory has no room
   */
  allocate(bytes: number): number {
    const size = allocationBytes(bytes);
    while (this.#chunk < this.#chunks.length) {
      const address = this.#top;
      if (address + size <= this.#chunks[this.#chunk].end) {
        this.#top = address + size;
        return address;
      }
      this.#chunk += 1;
      this.#top = this.#chunks.at(this.#chunk)?.begin ?? 0;
    }
    const chunkBytes = Math.max(size, CHUNK_BYTES_MIN);
    const begin = this.memory.allocate(chunkBytes);
    this.#chunks.push({ begin, end: begin + chunkBytes });
    this.#top = begin + size;
    return begin;
  }
}
