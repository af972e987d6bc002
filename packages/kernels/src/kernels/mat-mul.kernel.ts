/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that a product is compiled for. */
export interface MatMulConstants {
  /** Columns of `a`, which are the rows of `b`, but for the rest that four does not divide. */
  readonly whole: number;
  /** That rest. */
  readonly rest: number;
}

/**
 * `[m, n] = a b + addend`. The addend is read at `[addendBegin + y * addendRowStep][x * addendColumnStep]`: steps (1, 1) add rows of the product's
 * shape, (0, 1) one row to every row, (0, 0) a single number. Terms are added in ascending order, four a turn of the loop, which is as much as
 * gpu.js gains by: a thread owns one element and shares no memory (`bench/products.mjs`).
 */
export function matMul(
  this: IKernelFunctionThis<MatMulConstants>,
  a: number[][], b: number[][], addend: number[][], addendBegin: number, addendRowStep: number, addendColumnStep: number,
): number {
  let sum = addend[addendBegin + this.thread.y * addendRowStep][this.thread.x * addendColumnStep];
  for (let k = 0; k < this.constants.whole; k += 4) {
    sum += a[this.thread.y][k] * b[k][this.thread.x];
    sum += a[this.thread.y][k + 1] * b[k + 1][this.thread.x];
    sum += a[this.thread.y][k + 2] * b[k + 2][this.thread.x];
    sum += a[this.thread.y][k + 3] * b[k + 3][this.thread.x];
  }
  for (let k = 0; k < this.constants.rest; k++) {
    sum += a[this.thread.y][k + this.constants.whole] * b[k + this.constants.whole][this.thread.x];
  }
  return sum;
}

/** `[n, m]`: the transpose of `a` `[m, n]`. */
export function transpose(this: IKernelFunctionThis, a: number[][]): number {
  return a[this.thread.x][this.thread.y];
}
