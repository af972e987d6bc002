// Original file: ../../protos/bptt/v1/bptt.proto


export interface JoinRequest {
  'protocolVersion'?: (number);
  'backendId'?: (string);
  'manifestSha256'?: (Buffer | Uint8Array | string);
  /**
   * Microshards that the worker computes at the same time.
   */
  'threads'?: (number);
  /**
   * For people: host name and process id.
   */
  'name'?: (string);
  /**
   * For people, kept with the run: what really computes.
   */
  'executes'?: (string);
}

export interface JoinRequest__Output {
  'protocolVersion': (number);
  'backendId': (string);
  'manifestSha256': (Buffer);
  /**
   * Microshards that the worker computes at the same time.
   */
  'threads': (number);
  /**
   * For people: host name and process id.
   */
  'name': (string);
  /**
   * For people, kept with the run: what really computes.
   */
  'executes': (string);
}
