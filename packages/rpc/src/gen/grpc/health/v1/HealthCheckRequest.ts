// Original file: ../../protos/grpc/health/v1/health.proto


export interface HealthCheckRequest {
  /**
   * `bptt.v1.ParameterServer`; empty for the server as a whole.
   */
  'service'?: (string);
}

export interface HealthCheckRequest__Output {
  /**
   * `bptt.v1.ParameterServer`; empty for the server as a whole.
   */
  'service': (string);
}
