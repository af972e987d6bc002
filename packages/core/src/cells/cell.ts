import type { Matrix, Operations } from '../backend.js';
import type { Activation } from '../model-config.js';

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

/** One nonlinearity of a cell: a gate, a candidate, or what the state is made with. */
export interface Nonlinearity {
  /** Its letter in the equations of the cell. */
  readonly name: string;
  readonly f: Activation;
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
  /** What can saturate, in the order of `activations`; the first `gates` of them are named in the order of the rows of the weights. */
  readonly nonlinearities: readonly Nonlinearity[];
  /** @param projected `W_ih x_t + b_ih`, and `b_hh` unless `gatesRecurrent`; `[N, G * H]` */
  forward(operations: Operations, weights: CellWeights, projected: Matrix, carry: Carry): CellForward;
  /** Assigns, never adds. @param dCarry gradient of the carry that went out */
  backward(operations: Operations, weights: CellWeights, cache: readonly Matrix[], dCarry: Carry): CellBackward;
  /** `dE/dW_hh` `[G * H, H]` from `dRecurrent` of all rows, given `s_{t-1}` of all rows and what is kept of every step. */
  hiddenGradient(operations: Operations, dRecurrent: Matrix, read: { readonly previous: Matrix; readonly caches: readonly (readonly Matrix[])[] }): Matrix;
  /** Outputs of the nonlinearities, each `[N, H]`. */
  activations(operations: Operations, cache: readonly Matrix[]): readonly Matrix[];
  /**
   * Gradient by each part of the carry that went out, all ways counted: where a part is made from another, it acts through that one as well. `dCarry`,
   * as `backward` reads it, counts the ways past the step only.
   */
  wholeGradient(operations: Operations, cache: readonly Matrix[], dCarry: Carry): Carry;
}

/** `hiddenGradient` of a cell whose recurrent weights read `s_{t-1}` itself. */
export const hiddenGradientOfState: Cell['hiddenGradient'] = (operations, dRecurrent, { previous }) => operations.matMul(dRecurrent, previous, { transposeA: true });

/** `wholeGradient` of a cell with one part of carry, or none that acts through another. */
export const unchangedGradient: Cell['wholeGradient'] = (_, __, dCarry) => dCarry;

/** `[N, parts * H]` cut into its parts, each `[N, H]`. */
export function partsOf(operations: Operations, a: Matrix, parts: number): Matrix[] {
  const H = a.columns / parts;
  return Array.from({ length: parts }, (_, part) => operations.columns(a, part * H, (part + 1) * H));
}
