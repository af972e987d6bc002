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
  'step'?: (number | string | Long);
  'nodeBegin'?: (number);
  'nodeWidth'?: (number);
  'microshards'?: (_bptt_v1_Microshard)[];
  'expiresInMs'?: (number);
  /**
   * Of the whole batch, whatever part of it this lease is. Unset for an evaluation.
   */
  'batch'?: (_bptt_v1_BatchCounts | null);
  /**
   * Of the parameters to pull: a step may have several, such as an average of iterates that is evaluated. Good for the control stream that
   * the lease came by: another server counts anew.
   */
  'parametersVersion'?: (number | string | Long);
}

/**
 * The right to compute one node of the canonical tree: the microshards [node_begin, node_begin + node_width).
 */
export interface Lease__Output {
  'leaseId': (number);
  'kind': (_bptt_v1_LeaseKind__Output);
  'step': (number);
  'nodeBegin': (number);
  'nodeWidth': (number);
  'microshards': (_bptt_v1_Microshard__Output)[];
  'expiresInMs': (number);
  /**
   * Of the whole batch, whatever part of it this lease is. Unset for an evaluation.
   */
  'batch': (_bptt_v1_BatchCounts__Output | null);
  /**
   * Of the parameters to pull: a step may have several, such as an average of iterates that is evaluated. Good for the control stream that
   * the lease came by: another server counts anew.
   */
  'parametersVersion': (number);
}
