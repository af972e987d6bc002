// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

export interface Tensor {
  'name'?: (string);
  /**
   * `F32`.
   */
  'dtype'?: (string);
  'shape'?: (number)[];
  /**
   * First byte in the flat blob.
   */
  'offset'?: (number | string | Long);
  /**
   * Its gradient travels as row ids and rows.
   */
  'rowSparse'?: (boolean);
  /**
   * The blob holds the transpose of the tensor that PyTorch calls by this name.
   */
  'transposed'?: (boolean);
}

export interface Tensor__Output {
  'name': (string);
  /**
   * `F32`.
   */
  'dtype': (string);
  'shape': (number)[];
  /**
   * First byte in the flat blob.
   */
  'offset': (number);
  /**
   * Its gradient travels as row ids and rows.
   */
  'rowSparse': (boolean);
  /**
   * The blob holds the transpose of the tensor that PyTorch calls by this name.
   */
  'transposed': (boolean);
}
