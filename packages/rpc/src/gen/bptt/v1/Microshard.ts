// Original file: ../../protos/bptt/v1/bptt.proto


export interface Microshard {
  'index'?: (number);
  'timeSteps'?: (number);
  'sequences'?: (number);
  /**
   * int32 word ids [time_steps * sequences], time-major; -1 is padding.
   */
  'inputs'?: (Buffer | Uint8Array | string);
  /**
   * int32 word ids [time_steps * sequences], time-major; -1 is ignored by the loss.
   */
  'targets'?: (Buffer | Uint8Array | string);
  /**
   * int32 corpus index of each sequence; -1 for a padded column.
   */
  'sequenceIndexes'?: (Buffer | Uint8Array | string);
  /**
   * Carried states, float32 [layers, sequences, hidden]; empty where every state is zero and none is carried.
   */
  'initialStates'?: (Buffer | Uint8Array | string);
}

export interface Microshard__Output {
  'index': (number);
  'timeSteps': (number);
  'sequences': (number);
  /**
   * int32 word ids [time_steps * sequences], time-major; -1 is padding.
   */
  'inputs': (Buffer);
  /**
   * int32 word ids [time_steps * sequences], time-major; -1 is ignored by the loss.
   */
  'targets': (Buffer);
  /**
   * int32 corpus index of each sequence; -1 for a padded column.
   */
  'sequenceIndexes': (Buffer);
  /**
   * Carried states, float32 [layers, sequences, hidden]; empty where every state is zero and none is carried.
   */
  'initialStates': (Buffer);
}
