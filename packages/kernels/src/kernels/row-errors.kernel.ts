/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that sums over a row are compiled for. */
export interface RowErrorConstants {
  readonly columns: number;
}

/** `[N, 1]`: the mean over a row of `(a - b)^2`. */
export function squaredError(this: IKernelFunctionThis<RowErrorConstants>, a: number[][], b: number[][]): number {
  let sum = 0;
  for (let column = 0; column < this.constants.columns; column++) {
    const difference = a[this.thread.y][column] - b[this.thread.y][column];
    sum += difference * difference;
  }
  return sum / this.constants.columns;
}

/** `[N, n]`: `dA = 2 (a - b) / n`. */
export function squaredErrorBackward(this: IKernelFunctionThis<RowErrorConstants>, a: number[][], b: number[][]): number {
  return (2 / this.constants.columns) * (a[this.thread.y][this.thread.x] - b[this.thread.y][this.thread.x]);
}

/** `[N, 1]`: the Euclidean length of every row, measured by the sum of its sizes, because the squares of errors that vanish leave float32. */
export function rowLength(this: IKernelFunctionThis<RowErrorConstants>, a: number[][]): number {
  let size = 0;
  for (let column = 0; column < this.constants.columns; column++) {
    size += Math.abs(a[this.thread.y][column]);
  }
  if (size === 0) {
    return 0;
  }
  let sum = 0;
  for (let column = 0; column < this.constants.columns; column++) {
    const share = a[this.thread.y][column] / size;
    sum += share * share;
  }
  return size * Math.sqrt(sum);
}

/** `[N, 1]`: `(||u|| / ||e|| - 1)^2`; zero where `e` is. */
export function jacobianPenalty(this: IKernelFunctionThis, lengthE: number[][], lengthU: number[][]): number {
  if (lengthE[this.thread.y][0] === 0) {
    return 0;
  }
  const excess = lengthU[this.thread.y][0] / lengthE[this.thread.y][0] - 1;
  return excess * excess;
}

/** `[N, H]`: `2 (||u|| / ||e|| - 1) v / (||e|| ||u||)`, in an order whose steps stay in float32; zero where `e` or `u` is. */
export function jacobianPenaltyBackward(this: IKernelFunctionThis, v: number[][], lengthE: number[][], lengthU: number[][]): number {
  if (lengthE[this.thread.y][0] === 0) {
    return 0;
  }
  if (lengthU[this.thread.y][0] === 0) {
    return 0;
  }
  const excess = lengthU[this.thread.y][0] / lengthE[this.thread.y][0] - 1;
  return (2 * excess * (v[this.thread.y][this.thread.x] / lengthE[this.thread.y][0])) / lengthU[this.thread.y][0];
}
