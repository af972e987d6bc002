// Original file: ../../protos/bptt/v1/bptt.proto

export const RunState = {
  RUN_STATE_UNSPECIFIED: 'RUN_STATE_UNSPECIFIED',
  RUN_STATE_TRAINING: 'RUN_STATE_TRAINING',
  RUN_STATE_EVALUATING: 'RUN_STATE_EVALUATING',
  RUN_STATE_DRAINING: 'RUN_STATE_DRAINING',
  RUN_STATE_FINISHED: 'RUN_STATE_FINISHED',
  RUN_STATE_FAILED: 'RUN_STATE_FAILED',
} as const;

export type RunState =
  | 'RUN_STATE_UNSPECIFIED'
  | 0
  | 'RUN_STATE_TRAINING'
  | 1
  | 'RUN_STATE_EVALUATING'
  | 2
  | 'RUN_STATE_DRAINING'
  | 3
  | 'RUN_STATE_FINISHED'
  | 4
  | 'RUN_STATE_FAILED'
  | 5

export type RunState__Output = typeof RunState[keyof typeof RunState]
