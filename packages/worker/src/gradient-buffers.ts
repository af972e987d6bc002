import { gradientBytesBounds, type ParameterLayout } from '@bptt/core';
import type { ThreadMemory } from '@bptt/simd';

/** Buffers that wait for their next use. */
const FREE_MAX = 64;

/**
 * Memory for encoded gradients, used again and again: memory that is new has to be mapped by the system page by page, which takes many times as long as
 * writing it. Each buffer has room for a gradient with every row; what is never touched of it costs nothing.
 */
export class GradientBuffers {
  readonly #gradientBytesMax: number;
  readonly #memory: Pick<ThreadMemory, 'allocateBytes'>;
  readonly #free: Uint8Array[] = [];

  constructor(layout: ParameterLayout, memory: Pick<ThreadMemory, 'allocateBytes'>) {
    [, this.#gradientBytesMax] = gradientBytesBounds(layout);
    this.#memory = memory;
  }

  /** Memory for a gradient and `bytesBehind` more bytes, of unknown content. */
  take(bytesBehind: number): Uint8Array {
    const bytes = this.#gradientBytesMax + bytesBehind;
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= bytes);
    return at < 0 ? this.#memory.allocateBytes(bytes) : this.#free.splice(at, 1)[0];
  }

  /** Nobody reads or writes `buffer` any more. More than there is room for are not used again. */
  giveBack(buffer: Uint8Array): void {
    if (this.#free.length < FREE_MAX) this.#free.push(buffer);
  }
}
