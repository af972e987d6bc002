// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  /**
   * Microshards computed since the worker joined.
   */
  'microshardsDone'?: (number | string | Long);
}

export interface Heartbeat__Output {
  /**
   * Microshards computed since the worker joined.
   */
  'microshardsDone': (number);
}
