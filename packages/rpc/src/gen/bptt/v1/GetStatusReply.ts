// Original file: ../../protos/bptt/v1/bptt.proto

import type { RunState as _bptt_v1_RunState, RunState__Output as _bptt_v1_RunState__Output } from '../../bptt/v1/RunState.js';
import type { WorkerStatus as _bptt_v1_WorkerStatus, WorkerStatus__Output as _bptt_v1_WorkerStatus__Output } from '../../bptt/v1/WorkerStatus.js';
import type { Long } from '@grpc/proto-loader';

export interface GetStatusReply {
  'runId'?: (string);
  'state'?: (_bptt_v1_RunState);
  /**
   * Steps whose journal line is written.
   */
  'stepAcknowledged'?: (number | string | Long);
  /**
   * Steps whose journal line is on disk.
   */
  'stepDurable'?: (number | string | Long);
  'stepsTotal'?: (number | string | Long);
  'trainLoss'?: (number | string);
  /**
   * NaN before the first validation.
   */
  'validLoss'?: (number | string);
  'gradientNorm'?: (number | string);
  'tokensPerSecond'?: (number | string);
  'leasesExpired'?: (number | string | Long);
  'stepsNonFinite'?: (number | string | Long);
  'workers'?: (_bptt_v1_WorkerStatus)[];
  'backendId'?: (string);
  /**
   * Longest pause of the server's event loop since its start.
   */
  'eventLoopPauseMsMax'?: (number | string);
}

export interface GetStatusReply__Output {
  'runId': (string);
  'state': (_bptt_v1_RunState__Output);
  /**
   * Steps whose journal line is written.
   */
  'stepAcknowledged': (number);
  /**
   * Steps whose journal line is on disk.
   */
  'stepDurable': (number);
  'stepsTotal': (number);
  'trainLoss': (number);
  /**
   * NaN before the first validation.
   */
  'validLoss': (number);
  'gradientNorm': (number);
  'tokensPerSecond': (number);
  'leasesExpired': (number);
  'stepsNonFinite': (number);
  'workers': (_bptt_v1_WorkerStatus__Output)[];
  'backendId': (string);
  /**
   * Longest pause of the server's event loop since its start.
   */
  'eventLoopPauseMsMax': (number);
}
