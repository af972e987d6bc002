// Original file: ../../protos/bptt/v1/bptt.proto


/**
 * No more leases come: leave.
 */
export interface Drain {
  'reason'?: (string);
  /**
   * Whether the run ended as it should.
   */
  'finished'?: (boolean);
}

/**
 * No more leases come: leave.
 */
export interface Drain__Output {
  'reason': (string);
  /**
   * Whether the run ended as it should.
   */
  'finished': (boolean);
}
