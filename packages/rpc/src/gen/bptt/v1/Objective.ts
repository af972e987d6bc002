// Original file: ../../protos/bptt/v1/bptt.proto


/**
 * What a gradient is the gradient of.
 */
export interface Objective {
  /**
   * `full`, `window:k` or `chunk:k`.
   */
  'truncation'?: (string);
  /**
   * `tokenMean` or `sentenceSum`.
   */
  'reduction'?: (string);
  /**
   * Share of units that is dropped.
   */
  'dropout'?: (number | string);
  /**
   * One dropout mask for all steps of a sequence.
   */
  'variational'?: (boolean);
  /**
   * Weights of the penalties on activations, their changes, and Jacobians.
   */
  'ar'?: (number | string);
  'tar'?: (number | string);
  'omega'?: (number | string);
}

/**
 * What a gradient is the gradient of.
 */
export interface Objective__Output {
  /**
   * `full`, `window:k` or `chunk:k`.
   */
  'truncation': (string);
  /**
   * `tokenMean` or `sentenceSum`.
   */
  'reduction': (string);
  /**
   * Share of units that is dropped.
   */
  'dropout': (number);
  /**
   * One dropout mask for all steps of a sequence.
   */
  'variational': (boolean);
  /**
   * Weights of the penalties on activations, their changes, and Jacobians.
   */
  'ar': (number);
  'tar': (number);
  'omega': (number);
}
