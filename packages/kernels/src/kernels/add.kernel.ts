import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that a sum over rows is compiled for. */
export interface SumRowsConstants {
  readonly rows: number;
}

/** `[N, n] = a + b`, where `b` has only the first `bRows` rows. */
export function add(this: IKernelFunctionThis, a: number[][], b: number[][], bRows: number): number {
  if (this.thread.y < bRows) {
    return a[this.thread.y][this.thread.x] + b[this.thread.y][this.thread.x];
  }
  return a[this.thread.y][this.thread.x];
}

/** `[N, n]`: `a` with the row `row` `[1, n]` added to every row. */
export function addRow(this: IKernelFunctionThis, a: number[][], row: number[][]): number {
  return a[this.thread.y][this.thread.x] + row[0][this.thread.x];
}

/** `[1, n]`: the sum of all rows of `a`, in ascending order. */
export function sumRows(this: IKernelFunctionThis<SumRowsConstants>, a: number[][]): number {
  let sum = 0;
  for (let row = 0; row < this.constants.rows; row++) {
    sum += a[row][this.thread.x];
  }
  return sum;
}
