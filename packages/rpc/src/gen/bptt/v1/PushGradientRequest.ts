// Original file: ../../protos/bptt/v1/bptt.proto

import type { PushHeader as _bptt_v1_PushHeader, PushHeader__Output as _bptt_v1_PushHeader__Output } from '../../bptt/v1/PushHeader.js';
import type { TensorChunk as _bptt_v1_TensorChunk, TensorChunk__Output as _bptt_v1_TensorChunk__Output } from '../../bptt/v1/TensorChunk.js';
import type { BlobCommit as _bptt_v1_BlobCommit, BlobCommit__Output as _bptt_v1_BlobCommit__Output } from '../../bptt/v1/BlobCommit.js';
import type { PayloadPlaced as _bptt_v1_PayloadPlaced, PayloadPlaced__Output as _bptt_v1_PayloadPlaced__Output } from '../../bptt/v1/PayloadPlaced.js';

export interface PushGradientRequest {
  'header'?: (_bptt_v1_PushHeader | null);
  'chunk'?: (_bptt_v1_TensorChunk | null);
  'commit'?: (_bptt_v1_BlobCommit | null);
  'placed'?: (_bptt_v1_PayloadPlaced | null);
  'frame'?: "header"|"chunk"|"commit"|"placed";
}

export interface PushGradientRequest__Output {
  'header'?: (_bptt_v1_PushHeader__Output | null);
  'chunk'?: (_bptt_v1_TensorChunk__Output | null);
  'commit'?: (_bptt_v1_BlobCommit__Output | null);
  'placed'?: (_bptt_v1_PayloadPlaced__Output | null);
  'frame'?: "header"|"chunk"|"commit"|"placed";
}
