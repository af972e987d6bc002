import type { Ids, Matrix, Operations, ProgramInputs } from './backend.js';
import type { Carry } from './cells/cell.js';
import type { Parameters } from './heads/head.js';
import { carryName, cellOf } from './language-model.js';
import type { ModelConfig } from './model-config.js';
import { unroll, type Layer, type LayerTrace, type SequenceShape } from './sequence.js';

/** What every program of a model is traced with. */
export interface ForwardArguments {
  readonly parameters: Parameters;
  readonly inputs: ProgramInputs<Matrix, Ids>;
  readonly shape: SequenceShape;
  /** Whether inputs hold dropout masks, by `maskName`. Default false. */
  readonly masked?: boolean;
}

/** One layer after its way through time. */
export interface ForwardLayer {
  readonly layer: Layer;
  readonly trace: LayerTrace;
  /** What it read, dropout applied, `[T * B, D]`; undefined where that is one-hot. */
  readonly read: Matrix | undefined;
}

/** All layers after their way through time. */
export interface Forward {
  /** From the bottom up. */
  readonly layers: readonly ForwardLayer[];
  /** States of the top layer, `[T * B, H]`. */
  readonly top: Matrix;
  /** The same as the head reads them, dropout applied. */
  readonly states: Matrix;
}

/** Under which the dropout mask of a connection goes into a program: `l` for the input of layer `l`, L for that of the head. */
export function maskName(connection: number): string {
  return `mask.${String(connection)}`;
}

/** Runs all layers over time (`docs/math/bptt.md` equations 1 and 10). */
export function runForward(operations: Operations, model: ModelConfig, { parameters, inputs, shape, masked = false }: ForwardArguments): Forward {
  const cell = cellOf(model);
  const mask = (connection: number): Matrix | undefined => (masked ? inputs.matrices[maskName(connection)] : undefined);
  const drop = (a: Matrix, connection: number): Matrix => {
    const dropMask = mask(connection);
    return dropMask === undefined ? a : operations.multiply(a, dropMask);
  };
  const layers: ForwardLayer[] = [];
  let below = bottomInput(operations, model, parameters, inputs);
  for (let l = 0; l < model.hidden.length; l += 1) {
    const named = (name: string): Matrix | undefined => parameters[`rnn.${name}_l${String(l)}`];
    const weight = parameters[`rnn.weight_ih_l${String(l)}`];
    const hidden = parameters[`rnn.weight_hh_l${String(l)}`];
    const read = below && drop(below, l);
    const layer: Layer = {
      cell,
      weights: { hidden, hiddenBias: cell.gatesRecurrent ? named('bias_hh') : undefined },
      input: l > 0 ? weight : undefined,
      inputMask: l > 0 ? mask(l) : undefined,
    };
    let projected = read === undefined
      ? lookUpProjection(operations, weight, named('bias_ih'), inputs.ids['inputs'])
      : operations.matMul(read, weight, { transposeB: true, addend: named('bias_ih') });
    const outerBias = cell.gatesRecurrent ? undefined : named('bias_hh');
    if (outerBias !== undefined) projected = operations.addRow(projected, outerBias);
    const initial: Carry = Array.from({ length: cell.carryParts }, (_, part) => inputs.matrices[carryName(l, part)]);
    const trace = unroll(operations, layer, projected, initial, shape);
    layers.push({ layer, trace, read });
    below = trace.states;
  }
  const top = layers[layers.length - 1].trace.states;
  return { layers, top, states: drop(top, model.hidden.length) };
}

/** The carry after the last step, by `carryName`. */
export function finalCarry({ layers }: Forward): Record<string, Matrix> {
  return Object.fromEntries(layers.flatMap(({ trace }, l) => trace.carries[trace.carries.length - 1].map((part, p) => [carryName(l, p), part])));
}

/** What the bottom layer reads, `[T * B, D]`; undefined where that is one-hot. */
function bottomInput(operations: Operations, { input }: ModelConfig, parameters: Parameters, inputs: ProgramInputs<Matrix, Ids>): Matrix | undefined {
  if (input === 'embedding') return operations.gatherRows(parameters['encoder.weight'], inputs.ids['inputs']);
  return input === 'dense' ? inputs.matrices['features'] : undefined;
}

/** `W_ih x + b_ih` for one-hot `x`: a row lookup. */
function lookUpProjection(operations: Operations, weight: Matrix, bias: Matrix | undefined, inputs: Ids): Matrix {
  const rows = operations.gatherRows(weight, inputs);
  return bias === undefined ? rows : operations.addRow(rows, bias);
}
