// Original file: ../../protos/bptt/v1/bptt.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetStatusReply as _bptt_v1_GetStatusReply, GetStatusReply__Output as _bptt_v1_GetStatusReply__Output } from '../../bptt/v1/GetStatusReply.js';
import type { GetStatusRequest as _bptt_v1_GetStatusRequest, GetStatusRequest__Output as _bptt_v1_GetStatusRequest__Output } from '../../bptt/v1/GetStatusRequest.js';

/**
 * What an operator needs.
 */
export interface AdminClient extends grpc.Client {
  GetStatus(argument: _bptt_v1_GetStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _bptt_v1_GetStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _bptt_v1_GetStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _bptt_v1_GetStatusRequest, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _bptt_v1_GetStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _bptt_v1_GetStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _bptt_v1_GetStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _bptt_v1_GetStatusRequest, callback: grpc.requestCallback<_bptt_v1_GetStatusReply__Output>): grpc.ClientUnaryCall;
  
}

/**
 * What an operator needs.
 */
export interface AdminHandlers extends grpc.UntypedServiceImplementation {
  GetStatus: grpc.handleUnaryCall<_bptt_v1_GetStatusRequest__Output, _bptt_v1_GetStatusReply>;
  
}

export interface AdminDefinition extends grpc.ServiceDefinition {
  GetStatus: MethodDefinition<_bptt_v1_GetStatusRequest, _bptt_v1_GetStatusReply, _bptt_v1_GetStatusRequest__Output, _bptt_v1_GetStatusReply__Output>
}
