import type { Matrix, Operations } from './backend.js';
import type { Carry, Cell, CellBackward, CellWeights } from './cells/cell.js';
import type { Truncation } from './truncation.js';

/** One recurrent layer: its cell and its weights. */
export interface Layer {
  readonly cell: Cell;
  readonly weights: CellWeights;
  /** `weight_ih` `[G * H, D]`, the map from the layer below; undefined for the bottom layer, below which no error is sent. */
  readonly input: Matrix | undefined;
  /** Dropout mask of the input, `[T * B, D]`; undefined where nothing is dropped. */
  readonly inputMask: Matrix | undefined;
}

/** Length and width of a batch of sequences. */
export interface SequenceShape {
  readonly T: number;
  readonly B: number;
}

/** What one layer leaves behind for the backward pass. */
export interface LayerTrace {
  /** `s_t` for every `t`: part 0 of the carry, `[T * B, H]`. */
  readonly states: Matrix;
  /** The carry before the first step, each part `[B, H]`. */
  readonly initial: Carry;
  /** The carry after every step. */
  readonly carries: readonly Carry[];
  /** What the cell keeps of every step. */
  readonly caches: readonly (readonly Matrix[])[];
}

/** `s_{t-1}` for every `t`, `[T * B, H]`. */
export function previousStates(operations: Operations, { initial, carries }: LayerTrace): Matrix {
  return operations.stack([initial, ...carries.slice(0, -1)].map(([state]) => state));
}

/** What the cell keeps, part by part, of all steps: each `[T * B, ...]`. */
export function stackedCache(operations: Operations, { caches }: LayerTrace): readonly Matrix[] {
  return caches[0].map((_, part) => operations.stack(caches.map((cache) => cache[part])));
}

/** Gradients of one layer's pre-activations at every moment, from all errors that reach it. */
export interface LayerGradient {
  /** `[T * B, G * H]` */
  readonly dProjected: Matrix;
  /** `[T * B, G * H]` */
  readonly dRecurrent: Matrix;
  /** `dE/ds_t`, all that reaches the state, and `W_hh^T dE/da_t`, what leaves it for `s_{t-1}`: each `[T * B, H]`. Undefined where it is not kept, and for `window(k)`. */
  readonly flow: { readonly dStates: Matrix; readonly dPrevious: Matrix } | undefined;
}

/** Unrolls one layer over time. @param projected the projected input of the cell for every `t`, `[T * B, G * H]` */
export function unroll(operations: Operations, layer: Layer, projected: Matrix, initial: Carry, { T, B }: SequenceShape): LayerTrace {
  const carries: Carry[] = [];
  const caches: (readonly Matrix[])[] = [];
  let carry = initial;
  for (let t = 0; t < T; t += 1) {
    const step = layer.cell.forward(operations, layer.weights, operations.rows(projected, t * B, (t + 1) * B), carry);
    carries.push(step.carry);
    caches.push(step.cache);
    carry = step.carry;
  }
  return { states: operations.stack(carries.map(([state]) => state)), initial, carries, caches };
}

/**
 * Backpropagation through time: from the gradient of the top layer's states to the gradients of every layer's pre-activations.
 * `chunk(k)` is `full` within the chunk, because the error stops at the carried state.
 * @param layers from the bottom up
 * @param dStates gradient of the top layer's states from the head, `[T * B, H]`
 * @param keepsFlow whether the gradients of every state are kept, but for `window(k)`
 */
export function backpropagateThroughTime(
  operations: Operations,
  layers: readonly { readonly layer: Layer; readonly trace: LayerTrace }[],
  dStates: Matrix,
  { shape, truncation, keepsFlow }: { readonly shape: SequenceShape; readonly truncation: Truncation; readonly keepsFlow: boolean },
): LayerGradient[] {
  if (truncation.kind === 'window') return backwardByLag(operations, layers, dStates, { shape, lagMax: Math.min(truncation.k, shape.T - 1) });
  const gradients: LayerGradient[] = [];
  let dOutput = dStates;
  for (const { layer, trace } of layers.toReversed()) {
    const gradient = backwardByTime(operations, { layer, trace }, dOutput, { shape, keepsFlow });
    if (layer.input !== undefined) dOutput = inputGradient(operations, layer.input, layer.inputMask, gradient.dProjected);
    gradients.unshift(gradient);
  }
  return gradients;
}

/** The whole way back through one layer, one moment after the other. */
function backwardByTime(
  operations: Operations, { layer, trace }: { readonly layer: Layer; readonly trace: LayerTrace }, dOutput: Matrix, { shape: { T, B }, keepsFlow }: { readonly shape: SequenceShape; readonly keepsFlow: boolean },
): LayerGradient {
  const dProjected: Matrix[] = [];
  const dRecurrent: Matrix[] = [];
  const dStates: Matrix[] = [];
  const dPrevious: Matrix[] = [];
  let dCarry: Carry | undefined;
  for (let t = T - 1; t >= 0; t -= 1) {
    const [begin, end] = [t * B, (t + 1) * B];
    const dStep = addOutput(operations, layer.cell, operations.rows(dOutput, begin, end), dCarry);
    const step = layer.cell.backward(operations, layer.weights, trace.caches[t], dStep);
    dProjected.unshift(step.dProjected);
    dRecurrent.unshift(step.dRecurrent);
    dStates.unshift(dStep[0]);
    dPrevious.unshift(step.dCarry[0]);
    dCarry = step.dCarry;
  }
  const flow = keepsFlow ? { dStates: operations.stack(dStates), dPrevious: operations.stack(dPrevious) } : undefined;
  return { ...stackGradient(operations, dProjected, dRecurrent), flow };
}

/** `window(k)`: what the lag loop finds, added up. */
function backwardByLag(
  operations: Operations,
  layers: readonly { readonly layer: Layer; readonly trace: LayerTrace }[],
  dStates: Matrix,
  window: LagWindow,
): LayerGradient[] {
  const sums: (LayerGradient | undefined)[] = layers.map(() => undefined);
  for (const { layer, step } of lagLoop(operations, layers, dStates, window)) sums[layer] = addGradient(operations, sums[layer], step);
  return sums.filter((sum) => sum !== undefined);
}

export interface LagWindow {
  readonly shape: SequenceShape;
  /** Steps that every error goes back, below `T`. */
  readonly lagMax: number;
}

/** One layer in one turn of the lag loop. Row block `tau` belongs to the error of the output at `tau + lag`, and there are `T - lag` blocks. */
export interface LagTurn {
  readonly lag: number;
  /** From the bottom, 0 first. */
  readonly layer: number;
  /** What the layer keeps of its steps, each `[(T - lag) * B, ...]`. */
  readonly cache: readonly Matrix[];
  /** Gradient of the carry that left step `tau`, each part `[(T - lag) * B, H]`. */
  readonly dCarry: Carry;
  /** The way back through step `tau`. */
  readonly step: CellBackward;
}

/**
 * The lag loop (`docs/math/bptt.md` equation 9), which `window(k)` trains by and gradient flow is measured by: the errors of all outputs go back
 * together, one lag a turn. At lag `j`, row block `tau` holds what the output of moment `tau + j` sends to moment `tau`; there are `T - j`
 * such blocks. Within a turn errors go down through the layers, so that a window is counted in time over all layers.
 * @param dStates gradient of the top layer's states from the head, `[T * B, H]`
 */
export function* lagLoop(
  operations: Operations,
  layers: readonly { readonly layer: Layer; readonly trace: LayerTrace }[],
  dStates: Matrix,
  { shape: { T, B }, lagMax }: LagWindow,
): Generator<LagTurn, void> {
  const caches = layers.map(({ trace }) => stackedCache(operations, trace));
  const dCarries: (Carry | undefined)[] = layers.map(() => undefined);
  for (let lag = 0; lag <= lagMax; lag += 1) {
    const rows = (T - lag) * B;
    let dOutput = lag === 0 ? dStates : undefined;
    for (let l = layers.length - 1; l >= 0; l -= 1) {
      const { layer } = layers[l];
      const cache = caches[l].map((part) => operations.rows(part, 0, rows));
      const dCarry = addOutput(operations, layer.cell, dOutput, dCarries[l]);
      const step = layer.cell.backward(operations, layer.weights, cache, dCarry);
      yield { lag, layer: l, cache, dCarry, step };
      // The error of the output at `tau + lag` now stands at `tau - 1`: block 0 has left the sequence.
      dCarries[l] = lag < lagMax ? step.dCarry.map((part) => operations.rows(part, B, rows)) : undefined;
      dOutput = layer.input === undefined ? undefined : inputGradient(operations, layer.input, layer.inputMask, step.dProjected);
    }
  }
}

/** Gradient of what a layer read from that of its projection `W_ih x`, of all rows or the first ones. @param mask dropout mask of the input */
export function inputGradient(operations: Operations, weight: Matrix, mask: Matrix | undefined, dProjected: Matrix): Matrix {
  const dInput = operations.matMul(dProjected, weight);
  return mask === undefined ? dInput : operations.multiply(dInput, mask);
}

/** Gradient of the carry that leaves a step: what came back through time, and what came from above into part 0. */
function addOutput(operations: Operations, cell: Cell, dOutput: Matrix | undefined, dCarry: Carry | undefined): Carry {
  if (dCarry === undefined) {
    if (dOutput === undefined) throw new Error('no error reaches this step');
    const others = Array.from({ length: cell.carryParts - 1 }, () => operations.zeros(dOutput.rows, dOutput.columns));
    return [dOutput, ...others];
  }
  return dOutput === undefined ? dCarry : [operations.add(dCarry[0], dOutput), ...dCarry.slice(1)];
}

function addGradient(operations: Operations, sum: LayerGradient | undefined, step: Pick<LayerGradient, 'dProjected' | 'dRecurrent'>): LayerGradient {
  if (sum === undefined) return { dProjected: step.dProjected, dRecurrent: step.dRecurrent, flow: undefined };
  const dProjected = operations.add(sum.dProjected, step.dProjected);
  const dRecurrent = step.dRecurrent === step.dProjected ? dProjected : operations.add(sum.dRecurrent, step.dRecurrent);
  return { dProjected, dRecurrent, flow: undefined };
}

function stackGradient(operations: Operations, dProjected: readonly Matrix[], dRecurrent: readonly Matrix[]): Omit<LayerGradient, 'flow'> {
  const stacked = operations.stack(dProjected);
  const same = dProjected.every((matrix, t) => matrix === dRecurrent[t]);
  return { dProjected: stacked, dRecurrent: same ? stacked : operations.stack(dRecurrent) };
}
