// Original file: ../../protos/bptt/v1/bptt.proto

import type { Lease as _bptt_v1_Lease, Lease__Output as _bptt_v1_Lease__Output } from '../../bptt/v1/Lease.js';
import type { Revoke as _bptt_v1_Revoke, Revoke__Output as _bptt_v1_Revoke__Output } from '../../bptt/v1/Revoke.js';
import type { StepAdvanced as _bptt_v1_StepAdvanced, StepAdvanced__Output as _bptt_v1_StepAdvanced__Output } from '../../bptt/v1/StepAdvanced.js';
import type { Drain as _bptt_v1_Drain, Drain__Output as _bptt_v1_Drain__Output } from '../../bptt/v1/Drain.js';

export interface ServerCommand {
  'lease'?: (_bptt_v1_Lease | null);
  'revoke'?: (_bptt_v1_Revoke | null);
  'stepAdvanced'?: (_bptt_v1_StepAdvanced | null);
  'drain'?: (_bptt_v1_Drain | null);
  'command'?: "lease"|"revoke"|"stepAdvanced"|"drain";
}

export interface ServerCommand__Output {
  'lease'?: (_bptt_v1_Lease__Output | null);
  'revoke'?: (_bptt_v1_Revoke__Output | null);
  'stepAdvanced'?: (_bptt_v1_StepAdvanced__Output | null);
  'drain'?: (_bptt_v1_Drain__Output | null);
  'command'?: "lease"|"revoke"|"stepAdvanced"|"drain";
}
