// Original file: ../../protos/bptt/v1/bptt.proto

import type { LeaseKind as _bptt_v1_LeaseKind, LeaseKind__Output as _bptt_v1_LeaseKind__Output } from '../../bptt/v1/LeaseKind.js';
import type { NonFinite as _bptt_v1_NonFinite, NonFinite__Output as _bptt_v1_NonFinite__Output } from '../../bptt/v1/NonFinite.js';
import type { Long } from '@grpc/proto-loader';

export interface PushHeader {
  'runId'?: (string);
  'workerId'?: (string);
  'generation'?: (number | string | Long);
  'leaseId'?: (number | string | Long);
  'kind'?: (_bptt_v1_LeaseKind);
  'step'?: (number | string | Long);
  'nodeBegin'?: (number);
  'nodeWidth'?: (number);
  /**
   * Of the payload: gradient_bytes + state_bytes.
   */
  'totalBytes'?: (number | string | Long);
  /**
   * The gradient of the sum of the losses: float32 of the dense tensors in the order of the manifest, then for each row-sparse tensor
   * a uint32 count, so many ascending uint32 row ids, and float32 rows.
   */
  'gradientBytes'?: (number | string | Long);
  /**
   * Final states of the microshards in order, each float32 as `initial_states`; zero where no state is carried.
   */
  'stateBytes'?: (number | string | Long);
  /**
   * Sum over the targets, in nats; float64 sums of microshards added along the canonical tree.
   */
  'lossSum'?: (number | string);
  /**
   * Targets that counted.
   */
  'tokens'?: (number | string | Long);
  /**
   * Sequences that counted.
   */
  'sequences'?: (number | string | Long);
  /**
   * Set when the gradient is not finite: an honest explosion, without payload.
   */
  'nonFinite'?: (_bptt_v1_NonFinite | null);
  '_nonFinite'?: "nonFinite";
}

export interface PushHeader__Output {
  'runId': (string);
  'workerId': (string);
  'generation': (number);
  'leaseId': (number);
  'kind': (_bptt_v1_LeaseKind__Output);
  'step': (number);
  'nodeBegin': (number);
  'nodeWidth': (number);
  /**
   * Of the payload: gradient_bytes + state_bytes.
   */
  'totalBytes': (number);
  /**
   * The gradient of the sum of the losses: float32 of the dense tensors in the order of the manifest, then for each row-sparse tensor
   * a uint32 count, so many ascending uint32 row ids, and float32 rows.
   */
  'gradientBytes': (number);
  /**
   * Final states of the microshards in order, each float32 as `initial_states`; zero where no state is carried.
   */
  'stateBytes': (number);
  /**
   * Sum over the targets, in nats; float64 sums of microshards added along the canonical tree.
   */
  'lossSum': (number);
  /**
   * Targets that counted.
   */
  'tokens': (number);
  /**
   * Sequences that counted.
   */
  'sequences': (number);
  /**
   * Set when the gradient is not finite: an honest explosion, without payload.
   */
  'nonFinite'?: (_bptt_v1_NonFinite__Output | null);
  '_nonFinite'?: "nonFinite";
}
