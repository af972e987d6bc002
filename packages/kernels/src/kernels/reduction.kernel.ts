import type { IKernelFunctionThis } from 'gpu.js';

/**
 * Sizes that a reduction is compiled for. Part `p` of `parts` is every `parts`-th element from the `p`-th, so that neighbouring threads read
 * neighbouring elements; one part is everything.
 */
export interface ReductionConstants {
  readonly parts: number;
  /** Elements that every part has. */
  readonly whole: number;
  /** So many of the first parts have one more. */
  readonly rest: number;
}

/** `[N, parts]`: the largest element of each part of a row of `a`. */
export function maxOfRow(this: IKernelFunctionThis<ReductionConstants>, a: number[][]): number {
  let max = a[this.thread.y][this.thread.x];
  for (let turn = 1; turn < this.constants.whole; turn++) {
    max = Math.max(max, a[this.thread.y][this.thread.x + turn * this.constants.parts]);
  }
  if (this.thread.x < this.constants.rest) {
    max = Math.max(max, a[this.thread.y][this.thread.x + this.constants.whole * this.constants.parts]);
  }
  return max;
}

/** `[N, parts]`: the sum of each part of a row of `a`, in ascending order. */
export function sumOfRow(this: IKernelFunctionThis<ReductionConstants>, a: number[][]): number {
  let sum = 0;
  for (let turn = 0; turn < this.constants.whole; turn++) {
    sum += a[this.thread.y][this.thread.x + turn * this.constants.parts];
  }
  if (this.thread.x < this.constants.rest) {
    sum += a[this.thread.y][this.thread.x + this.constants.whole * this.constants.parts];
  }
  return sum;
}

/** `[parts, n]`: the sum of each part of a column of `a`, in ascending order. */
export function sumOfColumn(this: IKernelFunctionThis<ReductionConstants>, a: number[][]): number {
  let sum = 0;
  for (let turn = 0; turn < this.constants.whole; turn++) {
    sum += a[this.thread.y + turn * this.constants.parts][this.thread.x];
  }
  if (this.thread.y < this.constants.rest) {
    sum += a[this.thread.y + this.constants.whole * this.constants.parts][this.thread.x];
  }
  return sum;
}
