/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that a product is compiled for. */
export interface MatMulConstants {
  /** Columns of `a`, rows of `b`. */
  readonly inner: number;
}

/**
 * `[m, n] = a b + addend`. The addend is read at `[y * addendRowStep][x * addendColumnStep]`: steps (1, 1) add a matrix of the product's
 * shape, (0, 1) one row to every row, (0, 0) a single number.
 */
export function matMul(
  this: IKernelFunctionThis<MatMulConstants>,
  a: number[][], b: number[][], addend: number[][], addendRowStep: number, addendColumnStep: number,
): number {
  let sum = addend[this.thread.y * addendRowStep][this.thread.x * addendColumnStep];
  for (let k = 0; k < this.constants.inner; k++) {
    sum += a[this.thread.y][k] * b[k][this.thread.x];
  }
  return sum;
}

/** `[n, m]`: the transpose of `a` `[m, n]`. */
export function transpose(this: IKernelFunctionThis, a: number[][]): number {
  return a[this.thread.x][this.thread.y];
}
