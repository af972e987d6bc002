// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface LeaseFailed {
  'leaseId'?: (number | string | Long);
  'reason'?: (string);
}

export interface LeaseFailed__Output {
  'leaseId': (number);
  'reason': (string);
}
