// Original file: ../../protos/bptt/v1/bptt.proto


export interface Microshard {
  'index'?: (number);
  'timeSteps'?: (number);
  'sequences'?: (number);
  /**
   * int32 word ids [time_steps * sequences], time-major; -1 is padding. Of a dense input any other number stands for a vector.
   */
  'inputs'?: (Buffer | Uint8Array | string);
  /**
   * int32 word ids or classes [time_steps * sequences], time-major; -1 is ignored by the loss.
   */
  'targets'?: (Buffer | Uint8Array | string);
  /**
   * int32 corpus index of each sequence; -1 for a padded column.
   */
  'sequenceIndexes'?: (Buffer | Uint8Array | string);
  /**
   * Carried states, float32, of every layer and every part of its carry [sequences, hidden]; empty where all are zero and none is carried.
   */
  'initialStates'?: (Buffer | Uint8Array | string);
  /**
   * Of a dense input: float32 vectors [time_steps * sequences, width].
   */
  'features'?: (Buffer | Uint8Array | string);
  /**
   * Of a squared error: float32 targets [sequences, outputs].
   */
  'values'?: (Buffer | Uint8Array | string);
}

export interface Microshard__Output {
  'index': (number);
  'timeSteps': (number);
  'sequences': (number);
  /**
   * int32 word ids [time_steps * sequences], time-major; -1 is padding. Of a dense input any other number stands for a vector.
   */
  'inputs': (Buffer);
  /**
   * int32 word ids or classes [time_steps * sequences], time-major; -1 is ignored by the loss.
   */
  'targets': (Buffer);
  /**
   * int32 corpus index of each sequence; -1 for a padded column.
   */
  'sequenceIndexes': (Buffer);
  /**
   * Carried states, float32, of every layer and every part of its carry [sequences, hidden]; empty where all are zero and none is carried.
   */
  'initialStates': (Buffer);
  /**
   * Of a dense input: float32 vectors [time_steps * sequences, width].
   */
  'features': (Buffer);
  /**
   * Of a squared error: float32 targets [sequences, outputs].
   */
  'values': (Buffer);
}
