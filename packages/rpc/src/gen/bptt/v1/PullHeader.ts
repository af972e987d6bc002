// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface PullHeader {
  'step'?: (number | string | Long);
  'totalBytes'?: (number | string | Long);
  /**
   * Of the manifest by which the bytes are to be read.
   */
  'manifestSha256'?: (Buffer | Uint8Array | string);
  'parametersVersion'?: (number | string | Long);
}

export interface PullHeader__Output {
  'step': (number);
  'totalBytes': (number);
  /**
   * Of the manifest by which the bytes are to be read.
   */
  'manifestSha256': (Buffer);
  'parametersVersion': (number);
}
