// Original file: ../../protos/bptt/v1/bptt.proto

import type { Exchange as _bptt_v1_Exchange, Exchange__Output as _bptt_v1_Exchange__Output } from '../../bptt/v1/Exchange.js';
import type { Long } from '@grpc/proto-loader';

export interface JoinReply {
  'workerId'?: (string);
  /**
   * Fences this worker: every message carries it back.
   */
  'generation'?: (number | string | Long);
  'heartbeatIntervalMs'?: (number);
  /**
   * Silence after which the server gives the worker up.
   */
  'workerTimeoutMs'?: (number);
  'runId'?: (string);
  /**
   * Unset where there is none.
   */
  'exchange'?: (_bptt_v1_Exchange | null);
}

export interface JoinReply__Output {
  'workerId': (string);
  /**
   * Fences this worker: every message carries it back.
   */
  'generation': (number);
  'heartbeatIntervalMs': (number);
  /**
   * Silence after which the server gives the worker up.
   */
  'workerTimeoutMs': (number);
  'runId': (string);
  /**
   * Unset where there is none.
   */
  'exchange': (_bptt_v1_Exchange__Output | null);
}
