// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface PlaceParametersRequest {
  'runId'?: (string);
  'parametersVersion'?: (number | string | Long);
}

export interface PlaceParametersRequest__Output {
  'runId': (string);
  'parametersVersion': (number);
}
