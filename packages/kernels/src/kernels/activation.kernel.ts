import type { IKernelFunctionThis } from 'gpu.js';

/**
 * `tanh(a)`. It is 1 from 20 on, where a GPU that divides hyperbolic functions would answer NaN; and NaN stays NaN, which neither the
 * functions of a GPU nor its `!==` see to. Both hold for every `tanh`, `exp` and `log` of these kernels, and are written out at each: what a
 * kernel calls, gpu.js finds by name, and bundlers change names.
 */
export function tanhForward(this: IKernelFunctionThis, a: number[][]): number {
  const value = a[this.thread.y][this.thread.x];
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

/** `dA = dY (1 - y^2)`, with `y = tanh(a)`. */
export function tanhBackward(this: IKernelFunctionThis, y: number[][], dY: number[][]): number {
  const value = y[this.thread.y][this.thread.x];
  return dY[this.thread.y][this.thread.x] * (1 - value * value);
}

/** `max(a, 0)`; NaN stays NaN. */
export function reluForward(this: IKernelFunctionThis, a: number[][]): number {
  const value = a[this.thread.y][this.thread.x];
  if (value <= 0) {
    return 0;
  }
  return value;
}

/** `dA = dY` where `y > 0`, else `dY` times 0, so that NaN and infinity do not vanish. */
export function reluBackward(this: IKernelFunctionThis, y: number[][], dY: number[][]): number {
  if (y[this.thread.y][this.thread.x] > 0) {
    return dY[this.thread.y][this.thread.x];
  }
  return dY[this.thread.y][this.thread.x] * 0;
}

/** `1 / (1 + exp(-a))`. */
export function sigmoidForward(this: IKernelFunctionThis, a: number[][]): number {
  const value = a[this.thread.y][this.thread.x];
  if (!(value === value)) {
    return value;
  }
  return 1 / (1 + Math.exp(-value));
}

/** `dA = dY y (1 - y)`, with `y = sigmoid(a)`. */
export function sigmoidBackward(this: IKernelFunctionThis, y: number[][], dY: number[][]): number {
  const value = y[this.thread.y][this.thread.x];
  return dY[this.thread.y][this.thread.x] * value * (1 - value);
}
