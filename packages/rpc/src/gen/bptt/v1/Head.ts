// Original file: ../../protos/bptt/v1/bptt.proto


/**
 * What turns the states of the top layer into a loss.
 */
export interface Head {
  /**
   * `softmax`, `adaptive`, `lastSoftmax` or `lastSquaredError`.
   */
  'kind'?: (string);
  /**
   * Of `adaptive`: first word of each tail.
   */
  'cutoffs'?: (number)[];
  /**
   * Of `adaptive`: tail i has the units of the top layer divided by this to the power i + 1.
   */
  'divValue'?: (number | string);
  /**
   * Classes of `lastSoftmax`, numbers of `lastSquaredError`.
   */
  'outputs'?: (number);
}

/**
 * What turns the states of the top layer into a loss.
 */
export interface Head__Output {
  /**
   * `softmax`, `adaptive`, `lastSoftmax` or `lastSquaredError`.
   */
  'kind': (string);
  /**
   * Of `adaptive`: first word of each tail.
   */
  'cutoffs': (number)[];
  /**
   * Of `adaptive`: tail i has the units of the top layer divided by this to the power i + 1.
   */
  'divValue': (number);
  /**
   * Classes of `lastSoftmax`, numbers of `lastSquaredError`.
   */
  'outputs': (number);
}
