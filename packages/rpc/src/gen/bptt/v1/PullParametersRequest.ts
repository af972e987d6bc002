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
   * Exactly the parameters of this version, as a lease names it. Unset: those that the step, or the newest, is judged by.
   */
  'parametersVersion'?: (number | string | Long);
  '_step'?: "step";
  '_parametersVersion'?: "parametersVersion";
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
   * Exactly the parameters of this version, as a lease names it. Unset: those that the step, or the newest, is judged by.
   */
  'parametersVersion'?: (number);
  '_step'?: "step";
  '_parametersVersion'?: "parametersVersion";
}
