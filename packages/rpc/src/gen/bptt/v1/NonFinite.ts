// Original file: ../../protos/bptt/v1/bptt.proto


/**
 * Where an explosion began.
 */
export interface NonFinite {
  'microshard'?: (number);
  /**
   * Corpus index of the sequence.
   */
  'sequence'?: (number);
  'timeStep'?: (number);
  /**
   * Layer, or the number of layers for the output layer.
   */
  'layer'?: (number);
  /**
   * `forward` or `backward`.
   */
  'phase'?: (string);
}

/**
 * Where an explosion began.
 */
export interface NonFinite__Output {
  'microshard': (number);
  /**
   * Corpus index of the sequence.
   */
  'sequence': (number);
  'timeStep': (number);
  /**
   * Layer, or the number of layers for the output layer.
   */
  'layer': (number);
  /**
   * `forward` or `backward`.
   */
  'phase': (string);
}
