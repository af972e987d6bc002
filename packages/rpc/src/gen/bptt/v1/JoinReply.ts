// Original file: ../../protos/bptt/v1/bptt.proto

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
}
