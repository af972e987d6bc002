/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** `[N, V]`: `exp(o_nj - m_n)`, where `m_n` is the largest logit of the row; NaN where one of both is, which the exponential of a GPU may lose. */
export function expBelowMax(this: IKernelFunctionThis, logits: number[][], max: number[][]): number {
  const below = logits[this.thread.y][this.thread.x] - max[this.thread.y][0];
  if (!(below === below)) {
    return below;
  }
  return Math.exp(below);
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

/** `[N, V]`: `dO_n = softmax(o_n) - onehot(y_n)`, zeros where the target is negative; `softmax(o_n)` is `powers / sumExp`. */
export function crossEntropyBackward(this: IKernelFunctionThis, powers: number[][], sumExp: number[][], targets: number[]): number {
  const target = targets[this.thread.y];
  if (target < 0) {
    return 0;
  }
  const probability = powers[this.thread.y][this.thread.x] / sumExp[this.thread.y][0];
  if (target === this.thread.x) {
    return probability - 1;
  }
  return probability;
}
