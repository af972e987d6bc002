/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that the reductions of a row are compiled for. */
export interface SoftmaxConstants {
  /** Words (`V`). */
  readonly columns: number;
}

/** `[N, 1]`: the largest logit `m_n` of every row of `logits` `[N, V]`. */
export function rowMax(this: IKernelFunctionThis<SoftmaxConstants>, logits: number[][]): number {
  let max = logits[this.thread.y][0];
  for (let column = 1; column < this.constants.columns; column++) {
    max = Math.max(max, logits[this.thread.y][column]);
  }
  return max;
}

/** `[N, 1]`: `sum_j exp(o_nj - m_n)`. */
export function rowSumExp(this: IKernelFunctionThis<SoftmaxConstants>, logits: number[][], max: number[][]): number {
  const rowMaximum = max[this.thread.y][0];
  let sum = 0;
  for (let column = 0; column < this.constants.columns; column++) {
    const above = logits[this.thread.y][column] - rowMaximum;
    let power = Math.exp(above);
    if (!(above === above)) {
      power = above;
    }
    sum += power;
  }
  return sum;
}

/** `[N, 1]`: `-log softmax(o_n)[y_n] = log sum_j exp(o_nj - m_n) - (o_n[y_n] - m_n)`, zero where the target is negative. */
export function crossEntropy(this: IKernelFunctionThis, logits: number[][], max: number[][], sumExp: number[][], targets: number[]): number {
  const target = targets[this.thread.y];
  if (target < 0) {
    return 0;
  }
  const sum = sumExp[this.thread.y][0];
  if (!(sum === sum)) {
    return sum;
  }
  return Math.log(sum) - (logits[this.thread.y][target] - max[this.thread.y][0]);
}

/** `[N, V]`: `dO_n = softmax(o_n) - onehot(y_n)`, zeros where the target is negative. */
export function crossEntropyBackward(this: IKernelFunctionThis, logits: number[][], max: number[][], sumExp: number[][], targets: number[]): number {
  const target = targets[this.thread.y];
  if (target < 0) {
    return 0;
  }
  const probability = Math.exp(logits[this.thread.y][this.thread.x] - max[this.thread.y][0]) / sumExp[this.thread.y][0];
  if (target === this.thread.x) {
    return probability - 1;
  }
  return probability;
}
