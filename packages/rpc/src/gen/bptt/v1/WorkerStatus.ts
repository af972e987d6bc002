// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface WorkerStatus {
  'workerId'?: (string);
  'name'?: (string);
  'threads'?: (number);
  'microshardsDone'?: (number | string | Long);
  /**
   * Since the worker was last heard of.
   */
  'silenceMs'?: (number);
  'leasesExpired'?: (number | string | Long);
}

export interface WorkerStatus__Output {
  'workerId': (string);
  'name': (string);
  'threads': (number);
  'microshardsDone': (number);
  /**
   * Since the worker was last heard of.
   */
  'silenceMs': (number);
  'leasesExpired': (number);
}
