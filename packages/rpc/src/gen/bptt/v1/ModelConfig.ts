// Original file: ../../protos/bptt/v1/bptt.proto

import type { Head as _bptt_v1_Head, Head__Output as _bptt_v1_Head__Output } from '../../bptt/v1/Head.js';

export interface ModelConfig {
  /**
   * `rnn`, `gru` or `lstm`.
   */
  'cell'?: (string);
  /**
   * `tanh`, `relu` or `sigmoid`.
   */
  'activation'?: (string);
  'biases'?: (boolean);
  /**
   * `onehot`, `embedding` or `dense`.
   */
  'input'?: (string);
  'vocabulary'?: (number);
  /**
   * Width of the embedding or of the dense input.
   */
  'embedding'?: (number);
  /**
   * Units of every layer, from the bottom up.
   */
  'hidden'?: (number)[];
  /**
   * Of a GRU: the reset gate acts before the recurrent product.
   */
  'resetBefore'?: (boolean);
  /**
   * The output matrix is the embedding.
   */
  'tied'?: (boolean);
  'head'?: (_bptt_v1_Head | null);
}

export interface ModelConfig__Output {
  /**
   * `rnn`, `gru` or `lstm`.
   */
  'cell': (string);
  /**
   * `tanh`, `relu` or `sigmoid`.
   */
  'activation': (string);
  'biases': (boolean);
  /**
   * `onehot`, `embedding` or `dense`.
   */
  'input': (string);
  'vocabulary': (number);
  /**
   * Width of the embedding or of the dense input.
   */
  'embedding': (number);
  /**
   * Units of every layer, from the bottom up.
   */
  'hidden': (number)[];
  /**
   * Of a GRU: the reset gate acts before the recurrent product.
   */
  'resetBefore': (boolean);
  /**
   * The output matrix is the embedding.
   */
  'tied': (boolean);
  'head': (_bptt_v1_Head__Output | null);
}
