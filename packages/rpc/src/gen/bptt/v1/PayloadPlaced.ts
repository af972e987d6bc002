// Original file: ../../protos/bptt/v1/bptt.proto

import type { Long } from '@grpc/proto-loader';

/**
 * The payload lies in the file of the worker, whole, stamped with the lease id.
 */
export interface PayloadPlaced {
  'totalBytes'?: (number | string | Long);
}

/**
 * The payload lies in the file of the worker, whole, stamped with the lease id.
 */
export interface PayloadPlaced__Output {
  'totalBytes': (number);
}
