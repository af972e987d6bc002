// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface PlaceParametersReply {
  'step'?: (number | string | Long);
  'totalBytes'?: (number | string | Long);
}

export interface PlaceParametersReply__Output {
  'step': (number);
  'totalBytes': (number);
}
