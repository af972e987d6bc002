import type { Matrix, Operations } from '../backend.js';

/** The recurrent weights of one layer, with `G` gates (1 for a vanilla cell). */
export interface CellWeights {
  /** `weight_hh` `[G * H, H]` */
  readonly hidden: Matrix;
  /** `bias_hh` `[1, G * H]`; undefined where the model has no biases, and where it is in the projected input already. */
  readonly hiddenBias: Matrix | undefined;
}

/** What a step hands to the next, each part `[N, H]`: the state that the layer shows to the outside, and in an LSTM the cell `c`. */
export type Carry = readonly Matrix[];

export interface CellForward {
  readonly carry: Carry;
  /** What `backward` needs, each `[N, ...]`, a row a sequence. */
  readonly cache: readonly Matrix[];
}

export interface CellBackward {
  /** Gradient of the projected input `[N, G * H]`. */
  readonly dProjected: Matrix;
  /** Gradient of the recurrent product `[N, G * H]`; the same matrix as `dProjected` unless a gate stands between them. */
  readonly dRecurrent: Matrix;
  /** Gradient of the carry that came in. */
  readonly dCarry: Carry;
}

/**
 * One time step of a recurrent layer: pure, forward and backward side by side. Rows are independent, so that the same cell steps the `B`
 * sequences of one moment or, in the lag loop of `window(k)`, many moments at once. Time itself lives in `sequence.ts`.
 */
export interface Cell {
  /** Parts of the carry: 1, or 2 for an LSTM. */
  readonly carryParts: number;
  /** Pre-activations a hidden unit has: 1 for a vanilla cell. */
  readonly gates: number;
  /** Whether a gate stands between the recurrent product and the pre-activations. If not, `bias_hh` comes in with the projected input. */
  readonly gatesRecurrent: boolean;
  /** @param projected `W_ih x_t + b_ih`, and `b_hh` unless `gatesRecurrent`; `[N, G * H]` */
  forward(operations: Operations, weights: CellWeights, projected: Matrix, carry: Carry): CellForward;
  /** Assigns, never adds. @param dCarry gradient of the carry that went out */
  backward(operations: Operations, weights: CellWeights, cache: readonly Matrix[], dCarry: Carry): CellBackward;
  /** `dE/dW_hh` `[G * H, H]` from `dRecurrent` of all rows, given what the steps read: `s_{t-1}` and the cache. */
  hiddenGradient(operations: Operations, dRecurrent: Matrix, read: { readonly previous: Matrix; readonly cache: readonly Matrix[] }): Matrix;
}
