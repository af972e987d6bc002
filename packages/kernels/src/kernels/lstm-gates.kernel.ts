/* eslint max-params: off -- the operands of a kernel are positional */
import type { IKernelFunctionThis } from 'gpu.js';

/** Sizes that the gates of an LSTM are compiled for. */
export interface LstmConstants {
  /** Units (`H`). Gates stand side by side in the order i, f, g, o. */
  readonly hidden: number;
}

/** `[N, 4H]`: the gates from their pre-activations: `tanh` for g, the sigmoid for the others. */
export function lstmGates(this: IKernelFunctionThis<LstmConstants>, a: number[][]): number {
  const value = a[this.thread.y][this.thread.x];
  if (!(value === value)) {
    return value;
  }
  if (this.thread.x >= 2 * this.constants.hidden) {
    if (this.thread.x < 3 * this.constants.hidden) {
      if (value > 20) {
        return 1;
      }
      if (value < -20) {
        return -1;
      }
      return Math.tanh(value);
    }
  }
  return 1 / (1 + Math.exp(-value));
}

/** `[N, H]`: `c_t = f c_{t-1} + i g`. */
export function lstmCell(this: IKernelFunctionThis<LstmConstants>, gates: number[][], previousCell: number[][]): number {
  const i = gates[this.thread.y][this.thread.x];
  const f = gates[this.thread.y][this.thread.x + this.constants.hidden];
  const g = gates[this.thread.y][this.thread.x + 2 * this.constants.hidden];
  return f * previousCell[this.thread.y][this.thread.x] + i * g;
}

/** `[N, H]`: `h_t = o tanh(c_t)`. */
export function lstmState(this: IKernelFunctionThis<LstmConstants>, gates: number[][], cell: number[][]): number {
  const c = cell[this.thread.y][this.thread.x];
  let squashed = Math.tanh(c);
  if (c > 20) {
    squashed = 1;
  }
  if (c < -20) {
    squashed = -1;
  }
  if (!(c === c)) {
    squashed = c;
  }
  return gates[this.thread.y][this.thread.x + 3 * this.constants.hidden] * squashed;
}

/** `[N, H]`: the whole error of `c_t`, `d = dc + dh o (1 - tanh^2 c)`. */
export function lstmCellError(this: IKernelFunctionThis<LstmConstants>, gates: number[][], cell: number[][], dState: number[][], dCell: number[][]): number {
  const o = gates[this.thread.y][this.thread.x + 3 * this.constants.hidden];
  const c = cell[this.thread.y][this.thread.x];
  let squashed = Math.tanh(c);
  if (c > 20) {
    squashed = 1;
  }
  if (c < -20) {
    squashed = -1;
  }
  if (!(c === c)) {
    squashed = c;
  }
  return dCell[this.thread.y][this.thread.x] + dState[this.thread.y][this.thread.x] * o * (1 - squashed * squashed);
}

/** `[N, H]`: the error of `c_{t-1}`, `d f`. */
export function lstmPreviousCellError(this: IKernelFunctionThis<LstmConstants>, gates: number[][], cellError: number[][]): number {
  return cellError[this.thread.y][this.thread.x] * gates[this.thread.y][this.thread.x + this.constants.hidden];
}

/** `[N, 4H]`: the errors of the pre-activations, `(d g i (1 - i), d c_{t-1} f (1 - f), d i (1 - g^2), dh tanh(c) o (1 - o))`. */
export function lstmGatesBackward(
  this: IKernelFunctionThis<LstmConstants>, gates: number[][], previousCell: number[][], cell: number[][], dState: number[][], cellError: number[][],
): number {
  const gate = gates[this.thread.y][this.thread.x];
  if (this.thread.x < this.constants.hidden) {
    const g = gates[this.thread.y][this.thread.x + 2 * this.constants.hidden];
    return cellError[this.thread.y][this.thread.x] * g * gate * (1 - gate);
  }
  if (this.thread.x < 2 * this.constants.hidden) {
    const unitOfF = this.thread.x - this.constants.hidden;
    return cellError[this.thread.y][unitOfF] * previousCell[this.thread.y][unitOfF] * gate * (1 - gate);
  }
  if (this.thread.x < 3 * this.constants.hidden) {
    const unitOfG = this.thread.x - 2 * this.constants.hidden;
    return cellError[this.thread.y][unitOfG] * gates[this.thread.y][unitOfG] * (1 - gate * gate);
  }
  const unitOfO = this.thread.x - 3 * this.constants.hidden;
  const c = cell[this.thread.y][unitOfO];
  let squashed = Math.tanh(c);
  if (c > 20) {
    squashed = 1;
  }
  if (c < -20) {
    squashed = -1;
  }
  if (!(c === c)) {
    squashed = c;
  }
  return dState[this.thread.y][unitOfO] * squashed * gate * (1 - gate);
}
