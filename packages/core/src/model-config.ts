export const ACTIVATIONS = ['tanh', 'relu', 'sigmoid'] as const;
/** The nonlinearity `f` of a vanilla RNN cell. */
export type Activation = (typeof ACTIVATIONS)[number];

export const CELLS = ['rnn', 'gru', 'lstm'] as const;
/** The recurrent cell. `rnn` is the vanilla (Elman) cell. */
export type CellName = (typeof CELLS)[number];

export const INPUTS = ['onehot', 'embedding', 'dense'] as const;
/**
 * What the bottom layer reads: a word as a one-hot vector (a row lookup in W_ih), a word through an embedding of width `embedding`, or
 * a real vector of that width.
 */
export type InputKind = (typeof INPUTS)[number];

export const HEADS = ['softmax', 'adaptive', 'lastSoftmax', 'lastSquaredError'] as const;

/** What turns the states of the top layer into a loss. */
export type HeadConfig =
  /** A word of the vocabulary at every step. */
  | { readonly kind: 'softmax' }
  /** The same by adaptive softmax: words below `cutoffs[0]` in the head, `[cutoffs[i], cutoffs[i + 1])` in tail `i` of width `H / divValue^(i + 1)`. */
  | { readonly kind: 'adaptive'; readonly cutoffs: readonly number[]; readonly divValue: number }
  /** One of `classes` at the last step of a sequence. */
  | { readonly kind: 'lastSoftmax'; readonly classes: number }
  /** A vector of `outputs` numbers at the last step of a sequence. */
  | { readonly kind: 'lastSquaredError'; readonly outputs: number };

/** Everything that fixes the function a model computes, and with it the names and shapes of its parameters. `legal` says which exist. */
export interface ModelConfig {
  readonly cell: CellName;
  /** Of the vanilla cell; `tanh` for the others. */
  readonly activation: Activation;
  /** Of the GRU: the reset gate acts on the state before the recurrent product (Cho et al. 2014) instead of after it (PyTorch, cuDNN). */
  readonly resetBefore: boolean;
  /** Whether the cell has `bias_ih` and `bias_hh` and the output layer has a bias. The tutorial's model has none. */
  readonly biases: boolean;
  readonly input: InputKind;
  /** Words, special tokens included (`V`). */
  readonly vocabulary: number;
  /** Width of the embedding or of the dense input (`D`); not used with a one-hot input. */
  readonly embedding: number;
  /** Hidden units of each layer (`H`), the first at the input; as many as there are layers (`L`). */
  readonly hidden: readonly number[];
  /** Whether the output matrix is the embedding. */
  readonly tied: boolean;
  readonly head: HeadConfig;
}

/** The tutorial's kind of model, with biases: one tanh layer of 100 units, one-hot words, 8000 of them, a softmax at every step. */
export const MODEL_DEFAULTS: ModelConfig = {
  cell: 'rnn', activation: 'tanh', resetBefore: false, biases: true, input: 'onehot', vocabulary: 8000, embedding: 100, hidden: [100], tied: false,
  head: { kind: 'softmax' },
};

/** Units of the top layer. */
export function topUnits({ hidden }: ModelConfig): number {
  return hidden[hidden.length - 1];
}

/** How many ids a target can be: words, the classes of a last step, or 0 alone where numbers are predicted. */
export function targetIds({ head, vocabulary }: Pick<ModelConfig, 'head' | 'vocabulary'>): number {
  if (head.kind === 'lastSoftmax') return head.classes;
  return head.kind === 'lastSquaredError' ? 1 : vocabulary;
}

/** Whether the targets are words of the vocabulary at every step. */
export function predictsWords({ head }: ModelConfig): boolean {
  return head.kind === 'softmax' || head.kind === 'adaptive';
}
