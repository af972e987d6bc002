// Original file: ../../protos/bptt/v1/bptt.proto

import type { Tensor as _bptt_v1_Tensor, Tensor__Output as _bptt_v1_Tensor__Output } from '../../bptt/v1/Tensor.js';
import type { Long } from '@grpc/proto-loader';

/**
 * Names, shapes and places of all tensors in the flat parameter blob.
 */
export interface Manifest {
  'tensors'?: (_bptt_v1_Tensor)[];
  'totalBytes'?: (number | string | Long);
  /**
   * SHA-256 of the lines `name dtype shape offset row_sparse transposed`, shape joined by `x`, flags as 0 or 1, each ended by \n.
   */
  'sha256'?: (Buffer | Uint8Array | string);
}

/**
 * Names, shapes and places of all tensors in the flat parameter blob.
 */
export interface Manifest__Output {
  'tensors': (_bptt_v1_Tensor__Output)[];
  'totalBytes': (number);
  /**
   * SHA-256 of the lines `name dtype shape offset row_sparse transposed`, shape joined by `x`, flags as 0 or 1, each ended by \n.
   */
  'sha256': (Buffer);
}
