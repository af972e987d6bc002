// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface Revoke {
  'leaseId'?: (number | string | Long);
}

export interface Revoke__Output {
  'leaseId': (number);
}
