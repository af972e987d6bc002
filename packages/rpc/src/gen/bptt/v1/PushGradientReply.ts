// Original file: ../../protos/bptt/v1/bptt.proto

import type { PushOutcome as _bptt_v1_PushOutcome, PushOutcome__Output as _bptt_v1_PushOutcome__Output } from '../../bptt/v1/PushOutcome.js';
import type { Long } from '@grpc/proto-loader';

export interface PushGradientReply {
  'outcome'?: (_bptt_v1_PushOutcome);
  'currentStep'?: (number | string | Long);
}

export interface PushGradientReply__Output {
  'outcome': (_bptt_v1_PushOutcome__Output);
  'currentStep': (number);
}
