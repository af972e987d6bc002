// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

/**
 * At most 1 MiB of a blob.
 */
export interface TensorChunk {
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
  /**
   * CRC-32 (ISO 3309) of data.
   */
  'crc32'?: (number);
}

/**
 * At most 1 MiB of a blob.
 */
export interface TensorChunk__Output {
  'offset': (number);
  'data': (Buffer);
  /**
   * CRC-32 (ISO 3309) of data.
   */
  'crc32': (number);
}
