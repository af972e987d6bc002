// Original file: ../../protos/bptt/v1/bptt.proto

import type { LeaseKind as _bptt_v1_LeaseKind, LeaseKind__Output as _bptt_v1_LeaseKind__Output } from '../../bptt/v1/LeaseKind.js';
import type { Microshard as _bptt_v1_Microshard, Microshard__Output as _bptt_v1_Microshard__Output } from '../../bptt/v1/Microshard.js';
import type { BatchCounts as _bptt_v1_BatchCounts, BatchCounts__Output as _bptt_v1_BatchCounts__Output } from '../../bptt/v1/BatchCounts.js';
import type { Long } from '@grpc/proto-loader';

/**
 * The right to compute one node of the canonical tree: the microshards [node_begin, node_begin + node_width).
 */
export interface Lease {
  'leaseId'?: (number | string | Long);
  'kind'?: (_bptt_v1_LeaseKind);
  /**
   * Step, and version of the parameters to pull.
   */
  'step'?: (number | string | Long);
  'nodeBegin'?: (number);
  'nodeWidth'?: (number);
  'microshards'?: (_bptt_v1_Microshard)[];
  'expiresInMs'?: (number);
  /**
   * Of the whole batch, whatever part of it this lease is. Unset for an evaluation.
   */
  'batch'?: (_bptt_v1_BatchCounts | null);
}

/**
 * The right to compute one node of the canonical tree: the microshards [node_begin, node_begin + node_width).
 */
export interface Lease__Output {
  'leaseId': (number);
  'kind': (_bptt_v1_LeaseKind__Output);
  /**
   * Step, and version of the parameters to pull.
   */
  'step': (number);
  'nodeBegin': (number);
  'nodeWidth': (number);
  'microshards': (_bptt_v1_Microshard__Output)[];
  'expiresInMs': (number);
  /**
   * Of the whole batch, whatever part of it this lease is. Unset for an evaluation.
   */
  'batch': (_bptt_v1_BatchCounts__Output | null);
}
