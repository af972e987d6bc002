/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** `[N, n] = a + b`, where `b` is `bRows` rows from `bBegin`, and is added to the first rows alone where it has fewer. */
export function add(this: IKernelFunctionThis, a: number[][], b: number[][], bBegin: number, bRows: number): number {
  if (this.thread.y < bRows) {
    return a[this.thread.y][this.thread.x] + b[bBegin + this.thread.y][this.thread.x];
  }
  return a[this.thread.y][this.thread.x];
}

/** `[N, n] = a - b`. */
export function subtract(this: IKernelFunctionThis, a: number[][], b: number[][]): number {
  return a[this.thread.y][this.thread.x] - b[this.thread.y][this.thread.x];
}

/** `[N, n]`: `a` times `b`, element by element. */
export function multiply(this: IKernelFunctionThis, a: number[][], b: number[][]): number {
  return a[this.thread.y][this.thread.x] * b[this.thread.y][this.thread.x];
}

/** `[N, n]`: `a` times the one element of `factor` `[1, 1]`. */
export function scale(this: IKernelFunctionThis, a: number[][], factor: number[][]): number {
  return a[this.thread.y][this.thread.x] * factor[0][0];
}

/** `[N, n]`: `a` with the row `row` `[1, n]` added to every row. */
export function addRow(this: IKernelFunctionThis, a: number[][], row: number[][]): number {
  return a[this.thread.y][this.thread.x] + row[0][this.thread.x];
}
