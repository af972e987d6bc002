import { assert } from '@bptt/core';

/** Blocks begin and end on multiples of it. */
const ALIGNMENT_BYTES = 64;
/** Floats of these bytes are NaN, and as a count of rows they are more than any tensor has. */
const POISON = 0xff;

/** What tests do with blocks. */
export interface BlockChecks {
  /** Spoils what is given back, so that a reader who comes too late shows. Default false. */
  readonly poisoned?: boolean;
  /** Hears of every new block. */
  readonly onBlock?: (bytes: number) => void;
}

/** Where blocks come from, and what becomes of free ones. */
export interface BlockPoolOptions extends BlockChecks {
  /** Makes a block of at least so many bytes, in memory that threads share, which begins on a multiple of 64. */
  readonly allocate: (bytes: number) => Uint8Array;
}

/**
 * Memory for large messages, used again and again: fresh memory costs a page fault every 4 KiB, many times what a copy into used memory costs. A block has one
 * owner, from `take` to `giveBack`. One that is never given back is nobody else's, ever. All that are given back are kept, since their memory may be such that
 * nothing else collects it: so there are as many blocks as were in use at once.
 */
export class BlockPool {
  readonly #blockBytes: number;
  readonly #options: Required<BlockPoolOptions>;
  /** Block of each view that was taken and not given back. */
  readonly #taken = new WeakMap<Uint8Array, Uint8Array>();
  /** The one that was used last is taken first. */
  readonly #free: Uint8Array[] = [];

  /** @param blockBytes least size of a block; pages of it that no message reaches cost nothing */
  constructor(blockBytes: number, { allocate, poisoned = false, onBlock = () => undefined }: BlockPoolOptions) {
    this.#blockBytes = blockBytes;
    this.#options = { allocate, poisoned, onBlock };
  }

  /** Memory of this length, whatever it held. No bytes, no block. Throws what `allocate` throws. */
  take(bytes: number): Uint8Array {
    if (bytes === 0) return new Uint8Array(0);
    const at = this.#free.findLastIndex((block) => block.byteLength >= bytes);
    const block = at < 0 ? this.#newBlock(bytes) : this.#free.splice(at, 1)[0];
    const taken = block.subarray(0, bytes);
    this.#taken.set(taken, block);
    return taken;
  }

  /** Ends the use of what `take` returned: that very view. Nobody reads or writes it any more, no thread either. */
  giveBack(taken: Uint8Array): void {
    if (taken.byteLength === 0) return;
    const block = this.#taken.get(taken);
    assert(block !== undefined, () => `block of ${String(taken.byteLength)} bytes: given back twice, or never taken`);
    this.#taken.delete(taken);
    if (this.#options.poisoned) block.fill(POISON);
    this.#free.push(block);
  }

  #newBlock(bytes: number): Uint8Array {
    const length = Math.ceil(Math.max(bytes, this.#blockBytes) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    const block = this.#options.allocate(length);
    assert(block.byteLength >= length && block.byteOffset % ALIGNMENT_BYTES === 0, () =>
      `block: expected ${String(length)} bytes from a multiple of ${String(ALIGNMENT_BYTES)}, got ${String(block.byteLength)} from ${String(block.byteOffset)}`);
    this.#options.onBlock(length);
    return block;
  }
}
