import { gradientBytesBounds, type ParameterLayout } from '@bptt/core';

/** Buffers that wait for their next use; more are left to the garbage collector. */
const FREE_MAX = 64;

/**
 * Memory for encoded gradients, used again and again: memory that is new has to be mapped by the system page by page, which takes many times as long as
 * writing it. Each buffer has room for a gradient with every row; what is never touched of it costs nothing.
 */
export class GradientBuffers {
  readonly #gradientBytesMax: number;
  readonly #free: SharedArrayBuffer[] = [];

  constructor(layout: ParameterLayout) {
    [, this.#gradientBytesMax] = gradientBytesBounds(layout);
  }

  /** Memory for a gradient and `bytesBehind` more bytes, of unknown content. */
  take(bytesBehind: number): SharedArrayBuffer {
    const bytes = this.#gradientBytesMax + bytesBehind;
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= bytes);
    return at < 0 ? new SharedArrayBuffer(bytes) : this.#free.splice(at, 1)[0];
  }

  /** Nobody reads or writes `buffer` any more. */
  giveBack(buffer: SharedArrayBuffer): void {
    if (this.#free.length < FREE_MAX) this.#free.push(buffer);
  }
}
