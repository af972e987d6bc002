// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

/**
 * The end of a blob: nothing of it counts before.
 */
export interface BlobCommit {
  'totalBytes'?: (number | string | Long);
  /**
   * Of the whole blob, whatever ranges of it were asked for.
   */
  'sha256'?: (Buffer | Uint8Array | string);
}

/**
 * The end of a blob: nothing of it counts before.
 */
export interface BlobCommit__Output {
  'totalBytes': (number);
  /**
   * Of the whole blob, whatever ranges of it were asked for.
   */
  'sha256': (Buffer);
}
