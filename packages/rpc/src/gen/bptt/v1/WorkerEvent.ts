// Original file: ../../protos/bptt/v1/bptt.proto

import type { Heartbeat as _bptt_v1_Heartbeat, Heartbeat__Output as _bptt_v1_Heartbeat__Output } from '../../bptt/v1/Heartbeat.js';
import type { Ready as _bptt_v1_Ready, Ready__Output as _bptt_v1_Ready__Output } from '../../bptt/v1/Ready.js';
import type { LeaseFailed as _bptt_v1_LeaseFailed, LeaseFailed__Output as _bptt_v1_LeaseFailed__Output } from '../../bptt/v1/LeaseFailed.js';
import type { Long } from '@grpc/proto-loader';

export interface WorkerEvent {
  'workerId'?: (string);
  'generation'?: (number | string | Long);
  'heartbeat'?: (_bptt_v1_Heartbeat | null);
  /**
   * The worker has nothing to do and asks for a lease.
   */
  'ready'?: (_bptt_v1_Ready | null);
  /**
   * The worker cannot compute a lease: it goes to another.
   */
  'leaseFailed'?: (_bptt_v1_LeaseFailed | null);
  'event'?: "heartbeat"|"ready"|"leaseFailed";
}

export interface WorkerEvent__Output {
  'workerId': (string);
  'generation': (number);
  'heartbeat'?: (_bptt_v1_Heartbeat__Output | null);
  /**
   * The worker has nothing to do and asks for a lease.
   */
  'ready'?: (_bptt_v1_Ready__Output | null);
  /**
   * The worker cannot compute a lease: it goes to another.
   */
  'leaseFailed'?: (_bptt_v1_LeaseFailed__Output | null);
  'event'?: "heartbeat"|"ready"|"leaseFailed";
}
