/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that a sum of groups of rows is compiled for. */
export interface RowsConstants {
  /** Rows that are summed over. */
  readonly rows: number;
}

/** `[rows, columns]` of zeros. */
export function zeros(this: IKernelFunctionThis): number {
  return 0;
}

/** `[end - begin, n]`: the rows of `a` from `begin`. */
export function copyRows(this: IKernelFunctionThis, a: number[][], begin: number): number {
  return a[this.thread.y + begin][this.thread.x];
}

/** `[N, end - begin]`: the columns of `a` from `begin`. */
export function copyColumns(this: IKernelFunctionThis, a: number[][], begin: number): number {
  return a[this.thread.y][this.thread.x + begin];
}

/** Four matrices one below the other; `b`, `c` and `d` begin at the rows given. */
export function stackFour(
  this: IKernelFunctionThis,
  a: number[][], b: number[][], c: number[][], d: number[][], bBegin: number, cBegin: number, dBegin: number,
): number {
  if (this.thread.y < bBegin) {
    return a[this.thread.y][this.thread.x];
  }
  if (this.thread.y < cBegin) {
    return b[this.thread.y - bBegin][this.thread.x];
  }
  if (this.thread.y < dBegin) {
    return c[this.thread.y - cBegin][this.thread.x];
  }
  return d[this.thread.y - dBegin][this.thread.x];
}

/** Four matrices side by side; `b`, `c` and `d` begin at the columns given. */
export function besideFour(
  this: IKernelFunctionThis,
  a: number[][], b: number[][], c: number[][], d: number[][], bBegin: number, cBegin: number, dBegin: number,
): number {
  if (this.thread.x < bBegin) {
    return a[this.thread.y][this.thread.x];
  }
  if (this.thread.x < cBegin) {
    return b[this.thread.y][this.thread.x - bBegin];
  }
  if (this.thread.x < dBegin) {
    return c[this.thread.y][this.thread.x - cBegin];
  }
  return d[this.thread.y][this.thread.x - dBegin];
}

/** `[N, D]`: row `ids[y]` of `table`, zeros where the id is negative. */
export function gatherRows(this: IKernelFunctionThis, table: number[][], ids: number[]): number {
  const id = ids[this.thread.y];
  if (id < 0) {
    return 0;
  }
  return table[id][this.thread.x];
}

/**
 * `[rows, D]`: row `y` sums the rows of `values` whose group is `y`, in ascending order. Written as a gather, each output row reading all
 * groups, because a kernel owns one cell of its output: no atomics, so the same bits every time.
 */
export function scatterAddRows(this: IKernelFunctionThis<RowsConstants>, values: number[][], groups: number[]): number {
  let sum = 0;
  for (let row = 0; row < this.constants.rows; row++) {
    if (groups[row] === this.thread.y) {
      sum += values[row][this.thread.x];
    }
  }
  return sum;
}
