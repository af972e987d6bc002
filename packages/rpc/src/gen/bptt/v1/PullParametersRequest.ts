// Original file: ../../protos/bptt/v1/bptt.proto

import type { ByteRange as _bptt_v1_ByteRange, ByteRange__Output as _bptt_v1_ByteRange__Output } from '../../bptt/v1/ByteRange.js';
import type { Long } from '@grpc/proto-loader';

export interface PullParametersRequest {
  'runId'?: (string);
  /**
   * 0 is the initial parameters. Unset: the newest.
   */
  'step'?: (number | string | Long);
  /**
   * Parts of the blob, ascending; a row of a tensor is such a range. Empty: everything.
   */
  'ranges'?: (_bptt_v1_ByteRange)[];
  /**
   * Exactly the parameters with this hash. Unset: those that the step, or the newest, is judged by.
   */
  'parametersSha256'?: (Buffer | Uint8Array | string);
  '_step'?: "step";
  '_parametersSha256'?: "parametersSha256";
}

export interface PullParametersRequest__Output {
  'runId': (string);
  /**
   * 0 is the initial parameters. Unset: the newest.
   */
  'step'?: (number);
  /**
   * Parts of the blob, ascending; a row of a tensor is such a range. Empty: everything.
   */
  'ranges': (_bptt_v1_ByteRange__Output)[];
  /**
   * Exactly the parameters with this hash. Unset: those that the step, or the newest, is judged by.
   */
  'parametersSha256'?: (Buffer);
  '_step'?: "step";
  '_parametersSha256'?: "parametersSha256";
}
