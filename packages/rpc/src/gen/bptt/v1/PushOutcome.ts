// Original file: ../../protos/bptt/v1/bptt.proto

export const PushOutcome = {
  PUSH_OUTCOME_UNSPECIFIED: 'PUSH_OUTCOME_UNSPECIFIED',
  PUSH_OUTCOME_COMMITTED: 'PUSH_OUTCOME_COMMITTED',
  /**
   * The node was committed before with the same bits.
   */
  PUSH_OUTCOME_DUPLICATE: 'PUSH_OUTCOME_DUPLICATE',
  /**
   * The step is over.
   */
  PUSH_OUTCOME_STALE: 'PUSH_OUTCOME_STALE',
  /**
   * The lease has moved on to another worker.
   */
  PUSH_OUTCOME_FENCED: 'PUSH_OUTCOME_FENCED',
} as const;

export type PushOutcome =
  | 'PUSH_OUTCOME_UNSPECIFIED'
  | 0
  | 'PUSH_OUTCOME_COMMITTED'
  | 1
  /**
   * The node was committed before with the same bits.
   */
  | 'PUSH_OUTCOME_DUPLICATE'
  | 2
  /**
   * The step is over.
   */
  | 'PUSH_OUTCOME_STALE'
  | 3
  /**
   * The lease has moved on to another worker.
   */
  | 'PUSH_OUTCOME_FENCED'
  | 4

export type PushOutcome__Output = typeof PushOutcome[keyof typeof PushOutcome]
