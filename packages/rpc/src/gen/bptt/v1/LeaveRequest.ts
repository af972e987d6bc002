// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface LeaveRequest {
  'workerId'?: (string);
  'generation'?: (number | string | Long);
}

export interface LeaveRequest__Output {
  'workerId': (string);
  'generation': (number);
}
