// Original file: ../../protos/bptt/v1/bptt.proto

import type { ModelConfig as _bptt_v1_ModelConfig, ModelConfig__Output as _bptt_v1_ModelConfig__Output } from '../../bptt/v1/ModelConfig.js';
import type { Objective as _bptt_v1_Objective, Objective__Output as _bptt_v1_Objective__Output } from '../../bptt/v1/Objective.js';
import type { Manifest as _bptt_v1_Manifest, Manifest__Output as _bptt_v1_Manifest__Output } from '../../bptt/v1/Manifest.js';
import type { RunState as _bptt_v1_RunState, RunState__Output as _bptt_v1_RunState__Output } from '../../bptt/v1/RunState.js';
import type { Long } from '@grpc/proto-loader';

export interface ServerInfo {
  /**
   * Oldest and newest protocol version that the server speaks.
   */
  'protocolVersionMin'?: (number);
  'protocolVersionMax'?: (number);
  /**
   * Hash of configuration, encoded corpus and backend id (hex).
   */
  'runId'?: (string);
  'backendId'?: (string);
  'model'?: (_bptt_v1_ModelConfig | null);
  'objective'?: (_bptt_v1_Objective | null);
  'manifest'?: (_bptt_v1_Manifest | null);
  /**
   * Microshards of a training batch (K).
   */
  'microshards'?: (number);
  'state'?: (_bptt_v1_RunState);
  /**
   * Step that is being computed; also the version of the parameters that it reads.
   */
  'step'?: (number | string | Long);
  /**
   * Of everything random: the dropout masks.
   */
  'seed'?: (number | string | Long);
}

export interface ServerInfo__Output {
  /**
   * Oldest and newest protocol version that the server speaks.
   */
  'protocolVersionMin': (number);
  'protocolVersionMax': (number);
  /**
   * Hash of configuration, encoded corpus and backend id (hex).
   */
  'runId': (string);
  'backendId': (string);
  'model': (_bptt_v1_ModelConfig__Output | null);
  'objective': (_bptt_v1_Objective__Output | null);
  'manifest': (_bptt_v1_Manifest__Output | null);
  /**
   * Microshards of a training batch (K).
   */
  'microshards': (number);
  'state': (_bptt_v1_RunState__Output);
  /**
   * Step that is being computed; also the version of the parameters that it reads.
   */
  'step': (number);
  /**
   * Of everything random: the dropout masks.
   */
  'seed': (number);
}
