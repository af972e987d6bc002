// Original file: ../../protos/bptt/v1/bptt.proto

import type { PullHeader as _bptt_v1_PullHeader, PullHeader__Output as _bptt_v1_PullHeader__Output } from '../../bptt/v1/PullHeader.js';
import type { TensorChunk as _bptt_v1_TensorChunk, TensorChunk__Output as _bptt_v1_TensorChunk__Output } from '../../bptt/v1/TensorChunk.js';
import type { BlobCommit as _bptt_v1_BlobCommit, BlobCommit__Output as _bptt_v1_BlobCommit__Output } from '../../bptt/v1/BlobCommit.js';

export interface PullParametersReply {
  'header'?: (_bptt_v1_PullHeader | null);
  'chunk'?: (_bptt_v1_TensorChunk | null);
  /**
   * The last frame.
   */
  'commit'?: (_bptt_v1_BlobCommit | null);
  'frame'?: "header"|"chunk"|"commit";
}

export interface PullParametersReply__Output {
  'header'?: (_bptt_v1_PullHeader__Output | null);
  'chunk'?: (_bptt_v1_TensorChunk__Output | null);
  /**
   * The last frame.
   */
  'commit'?: (_bptt_v1_BlobCommit__Output | null);
  'frame'?: "header"|"chunk"|"commit";
}
