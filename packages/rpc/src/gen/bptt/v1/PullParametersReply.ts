// Original file: ../../protos/bptt/v1/bptt.proto

import type { PullHeader as _bptt_v1_PullHeader, PullHeader__Output as _bptt_v1_PullHeader__Output } from '../../bptt/v1/PullHeader.js';
import type { TensorChunk as _bptt_v1_TensorChunk, TensorChunk__Output as _bptt_v1_TensorChunk__Output } from '../../bptt/v1/TensorChunk.js';

export interface PullParametersReply {
  'header'?: (_bptt_v1_PullHeader | null);
  'chunk'?: (_bptt_v1_TensorChunk | null);
  'frame'?: "header"|"chunk";
}

export interface PullParametersReply__Output {
  'header'?: (_bptt_v1_PullHeader__Output | null);
  'chunk'?: (_bptt_v1_TensorChunk__Output | null);
  'frame'?: "header"|"chunk";
}
