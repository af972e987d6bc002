import type { BlockPool } from '@bptt/simd';

/** Memory that the computation of one node takes, so that all of it comes back, also where the node is given up half way. */
export class NodeMemory {
  readonly #blocks: BlockPool;
  readonly #taken = new Set<Uint8Array>();
  readonly #jobs: Promise<unknown>[] = [];

  constructor(blocks: BlockPool) {
    this.#blocks = blocks;
  }

  take(bytes: number): Uint8Array {
    const block = this.#blocks.take(bytes);
    this.#taken.add(block);
    return block;
  }

  /** Nobody reads or writes `block` any more. */
  giveBack(block: Uint8Array): void {
    this.#taken.delete(block);
    this.#blocks.giveBack(block);
  }

  /** Remembers a job that may write here, and returns it. */
  during<T>(job: Promise<T>): Promise<T> {
    this.#jobs.push(job);
    return job;
  }

  /** Gives back what is left, when no job writes there any more. To be called when no other job can begin. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#jobs);
    for (const block of this.#taken) this.giveBack(block);
  }
}
