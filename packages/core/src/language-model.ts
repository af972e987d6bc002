import type { Cell } from './cells/cell.js';
import { gru, gruResetBefore } from './cells/gru.js';
import { lstm } from './cells/lstm.js';
import { vanillaRnn } from './cells/vanilla-rnn.js';
import { headOf } from './heads/heads.js';
import { INITIALIZATION_DEFAULTS, initializeLayout, type Initialization } from './initializers.js';
import { assertLegal } from './legal.js';
import type { ModelConfig } from './model-config.js';
import { layOut, type ParameterLayout, type TensorDeclaration } from './parameters.js';

/** The cell that every layer of `model` is made of. */
export function cellOf({ cell, activation, resetBefore }: ModelConfig): Cell {
  if (cell === 'lstm') return lstm;
  if (cell === 'gru') return resetBefore ? gruResetBefore : gru;
  return vanillaRnn(activation);
}

/**
 * Names and shapes of all parameters, in PyTorch's naming. A one-hot input reads rows of `rnn.weight_ih_l0`, which is therefore kept
 * transposed, `[V, G * H]`; an embedding has `encoder.weight` `[V, D]` besides, whose gradient is dense where the output shares it.
 * @throws BpttError `invalid-argument` for a model that is not legal
 */
export function parameterLayout(model: ModelConfig): ParameterLayout {
  assertLegal({ model });
  const { vocabulary: V, embedding: D, hidden, biases, input, tied } = model;
  const { gates } = cellOf(model);
  const declarations: TensorDeclaration[] = input === 'embedding' ? [{ name: 'encoder.weight', shape: [V, D], rowSparse: !tied, alias: tied ? 'decoder.weight' : undefined }] : [];
  hidden.forEach((H, l) => {
    const rows = gates * H;
    const name = (kind: string): string => `rnn.${kind}_l${String(l)}`;
    declarations.push(l === 0 && input === 'onehot'
      ? { name: name('weight_ih'), shape: [V, rows], rowSparse: true, transposed: true }
      : { name: name('weight_ih'), shape: [rows, l > 0 ? hidden[l - 1] : D] });
    declarations.push({ name: name('weight_hh'), shape: [rows, H] });
    if (biases) declarations.push({ name: name('bias_ih'), shape: [rows] }, { name: name('bias_hh'), shape: [rows] });
  });
  return layOut([...declarations, ...headOf(model).declarations]);
}

/** The parameters that a run with this seed begins with. */
export function initializeParameters(model: ModelConfig, seed: number, initialization: Initialization = INITIALIZATION_DEFAULTS): Float32Array {
  assertLegal({ model, initialization });
  return initializeLayout(parameterLayout(model), initialization, seed);
}

/** One part of the carry of one layer, `[B, H_l]`. */
export interface CarryPart {
  readonly layer: number;
  /** 0: the state; 1: the cell of an LSTM. */
  readonly part: number;
  /** Hidden units of the layer. */
  readonly units: number;
  /** Under which it goes into and comes out of a program. */
  readonly name: string;
}

/** Every part of the carry, in the order in which carried states lie in memory: layer by layer, within it part by part, each `[B, H_l]`. */
export function carryParts(model: ModelConfig): CarryPart[] {
  const parts = Array.from({ length: cellOf(model).carryParts }, (_, part) => part);
  return model.hidden.flatMap((units, layer) => parts.map((part) => ({ layer, part, units, name: carryName(layer, part) })));
}

/** Name under which the carry of a layer goes into and comes out of a program. */
export function carryName(layer: number, part: number): string {
  return `carry.${String(layer)}.${String(part)}`;
}

/** Elements of the carried state of `B` sequences: of every layer and part `[B, H_l]`. */
export function stateSize(model: ModelConfig, B: number): number {
  return carryParts(model).reduce((size, { units }) => size + B * units, 0);
}
