// Original file: ../../protos/bptt/v1/bptt.proto


export interface ModelConfig {
  /**
   * `rnn`.
   */
  'cell'?: (string);
  /**
   * `tanh`, `relu` or `sigmoid`.
   */
  'activation'?: (string);
  'biases'?: (boolean);
  /**
   * `onehot` or `embedding`.
   */
  'input'?: (string);
  'vocabulary'?: (number);
  'embedding'?: (number);
  'hidden'?: (number);
  'layers'?: (number);
}

export interface ModelConfig__Output {
  /**
   * `rnn`.
   */
  'cell': (string);
  /**
   * `tanh`, `relu` or `sigmoid`.
   */
  'activation': (string);
  'biases': (boolean);
  /**
   * `onehot` or `embedding`.
   */
  'input': (string);
  'vocabulary': (number);
  'embedding': (number);
  'hidden': (number);
  'layers': (number);
}
