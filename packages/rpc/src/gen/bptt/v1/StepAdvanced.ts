// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface StepAdvanced {
  'step'?: (number | string | Long);
}

export interface StepAdvanced__Output {
  'step': (number);
}
