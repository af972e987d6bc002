// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

/**
 * What a whole batch has: the divisors of its means.
 */
export interface BatchCounts {
  'tokens'?: (number | string | Long);
  /**
   * Positions that are read, as is the one before in the same sequence.
   */
  'transitions'?: (number | string | Long);
  'sequences'?: (number | string | Long);
}

/**
 * What a whole batch has: the divisors of its means.
 */
export interface BatchCounts__Output {
  'tokens': (number);
  /**
   * Positions that are read, as is the one before in the same sequence.
   */
  'transitions': (number);
  'sequences': (number);
}
