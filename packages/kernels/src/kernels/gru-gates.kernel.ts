/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that the gates of a GRU are compiled for. */
export interface GruConstants {
  /** Units (`H`). Gates stand side by side in the order r, z, n. */
  readonly hidden: number;
}

/** `[N, 3H]`: `r = sigmoid(a + b)`, `z = sigmoid(a + b)`, `n = tanh(a + r b)`, with `a` the projected input and `b` the recurrent product. */
export function gruGates(this: IKernelFunctionThis<GruConstants>, a: number[][], b: number[][]): number {
  const sum = a[this.thread.y][this.thread.x] + b[this.thread.y][this.thread.x];
  if (this.thread.x < 2 * this.constants.hidden) {
    if (!(sum === sum)) {
      return sum;
    }
    return 1 / (1 + Math.exp(-sum));
  }
  // r once more, rather than a plan with one more step.
  const unit = this.thread.x - 2 * this.constants.hidden;
  const sumOfR = a[this.thread.y][unit] + b[this.thread.y][unit];
  let r = 1 / (1 + Math.exp(-sumOfR));
  if (!(sumOfR === sumOfR)) {
    r = sumOfR;
  }
  const value = a[this.thread.y][this.thread.x] + r * b[this.thread.y][this.thread.x];
  if (value > 20) {
    return 1;
  }
  if (value < -20) {
    return -1;
  }
  if (!(value === value)) {
    return value;
  }
  return Math.tanh(value);
}

/** `[N, H]`: `h_t = n + z (h_{t-1} - n)`. */
export function gruState(this: IKernelFunctionThis<GruConstants>, gates: number[][], previous: number[][]): number {
  const z = gates[this.thread.y][this.thread.x + this.constants.hidden];
  const n = gates[this.thread.y][this.thread.x + 2 * this.constants.hidden];
  return n + z * (previous[this.thread.y][this.thread.x] - n);
}

/** `[N, 3H]`: the errors of the projected input, `dn = d (1 - z) (1 - n^2)`, `dr = dn b_n r (1 - r)`, `dz = d (h_{t-1} - n) z (1 - z)`. */
export function gruGatesBackward(
  this: IKernelFunctionThis<GruConstants>, gates: number[][], recurrent: number[][], previous: number[][], dState: number[][],
): number {
  const gate = gates[this.thread.y][this.thread.x];
  if (this.thread.x < this.constants.hidden) {
    const zOfR = gates[this.thread.y][this.thread.x + this.constants.hidden];
    const nOfR = gates[this.thread.y][this.thread.x + 2 * this.constants.hidden];
    const dN = dState[this.thread.y][this.thread.x] * (1 - zOfR) * (1 - nOfR * nOfR);
    return dN * recurrent[this.thread.y][this.thread.x + 2 * this.constants.hidden] * gate * (1 - gate);
  }
  if (this.thread.x < 2 * this.constants.hidden) {
    const unitOfZ = this.thread.x - this.constants.hidden;
    const nOfZ = gates[this.thread.y][this.thread.x + this.constants.hidden];
    return dState[this.thread.y][unitOfZ] * (previous[this.thread.y][unitOfZ] - nOfZ) * gate * (1 - gate);
  }
  const unitOfN = this.thread.x - 2 * this.constants.hidden;
  const zOfN = gates[this.thread.y][this.thread.x - this.constants.hidden];
  return dState[this.thread.y][unitOfN] * (1 - zOfN) * (1 - gate * gate);
}

/** `[N, 3H]`: the errors of the recurrent product: those of the projected input, that of n times r. */
export function gruRecurrentBackward(this: IKernelFunctionThis<GruConstants>, gates: number[][], dProjected: number[][]): number {
  if (this.thread.x < 2 * this.constants.hidden) {
    return dProjected[this.thread.y][this.thread.x];
  }
  return dProjected[this.thread.y][this.thread.x] * gates[this.thread.y][this.thread.x - 2 * this.constants.hidden];
}

/** `[N, H]`: what reaches `h_{t-1}` past the recurrent product, `d z`. */
export function gruPreviousError(this: IKernelFunctionThis<GruConstants>, gates: number[][], dState: number[][]): number {
  return dState[this.thread.y][this.thread.x] * gates[this.thread.y][this.thread.x + this.constants.hidden];
}
