import { BpttError } from './errors.js';

export const ACTIVATIONS = ['tanh', 'relu', 'sigmoid'] as const;
/** The nonlinearity `f` of a vanilla RNN cell. */
export type Activation = (typeof ACTIVATIONS)[number];

export const CELLS = ['rnn'] as const;
/** The recurrent cell. `rnn` is the vanilla (Elman) cell. */
export type CellName = (typeof CELLS)[number];

export const INPUTS = ['onehot', 'embedding'] as const;
/** How a word enters: as a one-hot vector (a row lookup in W_ih) or through an embedding of width `embedding`. */
export type InputKind = (typeof INPUTS)[number];

/** Everything that fixes the function a model computes, and with it the names and shapes of its parameters. */
export interface ModelConfig {
  readonly cell: CellName;
  readonly activation: Activation;
  /** Whether the cell has `bias_ih` and `bias_hh` and the output layer has a bias. The tutorial's model has none. */
  readonly biases: boolean;
  readonly input: InputKind;
  /** Words, special tokens included (`V`). */
  readonly vocabulary: number;
  /** Width of the embedding (`D`); not used with a one-hot input. */
  readonly embedding: number;
  /** Hidden units of every layer (`H`). */
  readonly hidden: number;
  /** Layers, the first at the input (`L`). */
  readonly layers: number;
}

const SIZE_MAX = 1 << 24;

/**
 * Checks a configuration that came from outside.
 * @throws BpttError `invalid-argument`, naming the key, what was expected and what was given
 */
export function assertLegalModel(config: ModelConfig): void {
  oneOf('cell', config.cell, CELLS);
  oneOf('activation', config.activation, ACTIVATIONS);
  oneOf('input', config.input, INPUTS);
  size('vocabulary', config.vocabulary, 4);
  size('hidden', config.hidden, 1);
  size('layers', config.layers, 1, 64);
  if (config.input === 'embedding') size('embedding', config.embedding, 1);
}

function oneOf(key: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new BpttError('invalid-argument', `${key}: expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}`);
}

function size(key: string, value: number, least: number, most = SIZE_MAX): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new BpttError('invalid-argument', `${key}: expected a whole number from ${String(least)} to ${String(most)}, got ${String(value)}`);
  }
}
