// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface PushCommit {
  'totalBytes'?: (number | string | Long);
  /**
   * Of the payload.
   */
  'sha256'?: (Buffer | Uint8Array | string);
}

export interface PushCommit__Output {
  'totalBytes': (number);
  /**
   * Of the payload.
   */
  'sha256': (Buffer);
}
