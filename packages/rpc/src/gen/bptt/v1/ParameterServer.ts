// Original file: ../../protos/bptt/v1/bptt.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetInfoRequest as _bptt_v1_GetInfoRequest, GetInfoRequest__Output as _bptt_v1_GetInfoRequest__Output } from '../../bptt/v1/GetInfoRequest.js';
import type { JoinReply as _bptt_v1_JoinReply, JoinReply__Output as _bptt_v1_JoinReply__Output } from '../../bptt/v1/JoinReply.js';
import type { JoinRequest as _bptt_v1_JoinRequest, JoinRequest__Output as _bptt_v1_JoinRequest__Output } from '../../bptt/v1/JoinRequest.js';
import type { LeaveReply as _bptt_v1_LeaveReply, LeaveReply__Output as _bptt_v1_LeaveReply__Output } from '../../bptt/v1/LeaveReply.js';
import type { LeaveRequest as _bptt_v1_LeaveRequest, LeaveRequest__Output as _bptt_v1_LeaveRequest__Output } from '../../bptt/v1/LeaveRequest.js';
import type { PlaceParametersReply as _bptt_v1_PlaceParametersReply, PlaceParametersReply__Output as _bptt_v1_PlaceParametersReply__Output } from '../../bptt/v1/PlaceParametersReply.js';
import type { PlaceParametersRequest as _bptt_v1_PlaceParametersRequest, PlaceParametersRequest__Output as _bptt_v1_PlaceParametersRequest__Output } from '../../bptt/v1/PlaceParametersRequest.js';
import type { PullParametersReply as _bptt_v1_PullParametersReply, PullParametersReply__Output as _bptt_v1_PullParametersReply__Output } from '../../bptt/v1/PullParametersReply.js';
import type { PullParametersRequest as _bptt_v1_PullParametersRequest, PullParametersRequest__Output as _bptt_v1_PullParametersRequest__Output } from '../../bptt/v1/PullParametersRequest.js';
import type { PushGradientReply as _bptt_v1_PushGradientReply, PushGradientReply__Output as _bptt_v1_PushGradientReply__Output } from '../../bptt/v1/PushGradientReply.js';
import type { PushGradientRequest as _bptt_v1_PushGradientRequest, PushGradientRequest__Output as _bptt_v1_PushGradientRequest__Output } from '../../bptt/v1/PushGradientRequest.js';
import type { ServerCommand as _bptt_v1_ServerCommand, ServerCommand__Output as _bptt_v1_ServerCommand__Output } from '../../bptt/v1/ServerCommand.js';
import type { ServerInfo as _bptt_v1_ServerInfo, ServerInfo__Output as _bptt_v1_ServerInfo__Output } from '../../bptt/v1/ServerInfo.js';
import type { WorkerEvent as _bptt_v1_WorkerEvent, WorkerEvent__Output as _bptt_v1_WorkerEvent__Output } from '../../bptt/v1/WorkerEvent.js';

/**
 * What a worker needs. A step goes: lease, pull, compute, push, and when the batch is complete the server advances the step.
 */
export interface ParameterServerClient extends grpc.Client {
  /**
   * The first event must carry worker_id and generation. The worker sends heartbeats and readiness, the server sends work.
   */
  Control(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_bptt_v1_WorkerEvent, _bptt_v1_ServerCommand__Output>;
  Control(options?: grpc.CallOptions): grpc.ClientDuplexStream<_bptt_v1_WorkerEvent, _bptt_v1_ServerCommand__Output>;
  /**
   * The first event must carry worker_id and generation. The worker sends heartbeats and readiness, the server sends work.
   */
  control(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_bptt_v1_WorkerEvent, _bptt_v1_ServerCommand__Output>;
  control(options?: grpc.CallOptions): grpc.ClientDuplexStream<_bptt_v1_WorkerEvent, _bptt_v1_ServerCommand__Output>;
  
  /**
   * What this server runs. Needs no Join.
   */
  GetInfo(argument: _bptt_v1_GetInfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  GetInfo(argument: _bptt_v1_GetInfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  GetInfo(argument: _bptt_v1_GetInfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  GetInfo(argument: _bptt_v1_GetInfoRequest, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  /**
   * What this server runs. Needs no Join.
   */
  getInfo(argument: _bptt_v1_GetInfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  getInfo(argument: _bptt_v1_GetInfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  getInfo(argument: _bptt_v1_GetInfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  getInfo(argument: _bptt_v1_GetInfoRequest, callback: grpc.requestCallback<_bptt_v1_ServerInfo__Output>): grpc.ClientUnaryCall;
  
  /**
   * Admits a worker. FAILED_PRECONDITION, with both values in the text, when protocol version, backend or manifest differ.
   */
  Join(argument: _bptt_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _bptt_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _bptt_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _bptt_v1_JoinRequest, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  /**
   * Admits a worker. FAILED_PRECONDITION, with both values in the text, when protocol version, backend or manifest differ.
   */
  join(argument: _bptt_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _bptt_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _bptt_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _bptt_v1_JoinRequest, callback: grpc.requestCallback<_bptt_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  
  /**
   * The worker's leases go to others at once.
   */
  Leave(argument: _bptt_v1_LeaveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  Leave(argument: _bptt_v1_LeaveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  Leave(argument: _bptt_v1_LeaveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  Leave(argument: _bptt_v1_LeaveRequest, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  /**
   * The worker's leases go to others at once.
   */
  leave(argument: _bptt_v1_LeaveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  leave(argument: _bptt_v1_LeaveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  leave(argument: _bptt_v1_LeaveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  leave(argument: _bptt_v1_LeaveRequest, callback: grpc.requestCallback<_bptt_v1_LeaveReply__Output>): grpc.ClientUnaryCall;
  
  /**
   * Puts parameters into the file that JoinReply.exchange names, for workers of the same machine. ABORTED as PullParameters; FAILED_PRECONDITION
   * where the server exchanges no files.
   */
  PlaceParameters(argument: _bptt_v1_PlaceParametersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  PlaceParameters(argument: _bptt_v1_PlaceParametersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  PlaceParameters(argument: _bptt_v1_PlaceParametersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  PlaceParameters(argument: _bptt_v1_PlaceParametersRequest, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  /**
   * Puts parameters into the file that JoinReply.exchange names, for workers of the same machine. ABORTED as PullParameters; FAILED_PRECONDITION
   * where the server exchanges no files.
   */
  placeParameters(argument: _bptt_v1_PlaceParametersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  placeParameters(argument: _bptt_v1_PlaceParametersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  placeParameters(argument: _bptt_v1_PlaceParametersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  placeParameters(argument: _bptt_v1_PlaceParametersRequest, callback: grpc.requestCallback<_bptt_v1_PlaceParametersReply__Output>): grpc.ClientUnaryCall;
  
  /**
   * Parameters: one header, any number of chunks, one commit. ABORTED when those asked for are no longer, or not yet, held.
   */
  PullParameters(argument: _bptt_v1_PullParametersRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_bptt_v1_PullParametersReply__Output>;
  PullParameters(argument: _bptt_v1_PullParametersRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_bptt_v1_PullParametersReply__Output>;
  /**
   * Parameters: one header, any number of chunks, one commit. ABORTED when those asked for are no longer, or not yet, held.
   */
  pullParameters(argument: _bptt_v1_PullParametersRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_bptt_v1_PullParametersReply__Output>;
  pullParameters(argument: _bptt_v1_PullParametersRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_bptt_v1_PullParametersReply__Output>;
  
  /**
   * One header, any number of chunks, one commit; or one header and `placed`, where the payload lies in the file of this worker. Nothing counts before
   * the commit, or `placed`.
   */
  PushGradient(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  PushGradient(metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  PushGradient(options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  PushGradient(callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  /**
   * One header, any number of chunks, one commit; or one header and `placed`, where the payload lies in the file of this worker. Nothing counts before
   * the commit, or `placed`.
   */
  pushGradient(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  pushGradient(metadata: grpc.Metadata, callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  pushGradient(options: grpc.CallOptions, callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  pushGradient(callback: grpc.requestCallback<_bptt_v1_PushGradientReply__Output>): grpc.ClientWritableStream<_bptt_v1_PushGradientRequest>;
  
}

/**
 * What a worker needs. A step goes: lease, pull, compute, push, and when the batch is complete the server advances the step.
 */
export interface ParameterServerHandlers extends grpc.UntypedServiceImplementation {
  /**
   * The first event must carry worker_id and generation. The worker sends heartbeats and readiness, the server sends work.
   */
  Control: grpc.handleBidiStreamingCall<_bptt_v1_WorkerEvent__Output, _bptt_v1_ServerCommand>;
  
  /**
   * What this server runs. Needs no Join.
   */
  GetInfo: grpc.handleUnaryCall<_bptt_v1_GetInfoRequest__Output, _bptt_v1_ServerInfo>;
  
  /**
   * Admits a worker. FAILED_PRECONDITION, with both values in the text, when protocol version, backend or manifest differ.
   */
  Join: grpc.handleUnaryCall<_bptt_v1_JoinRequest__Output, _bptt_v1_JoinReply>;
  
  /**
   * The worker's leases go to others at once.
   */
  Leave: grpc.handleUnaryCall<_bptt_v1_LeaveRequest__Output, _bptt_v1_LeaveReply>;
  
  /**
   * Puts parameters into the file that JoinReply.exchange names, for workers of the same machine. ABORTED as PullParameters; FAILED_PRECONDITION
   * where the server exchanges no files.
   */
  PlaceParameters: grpc.handleUnaryCall<_bptt_v1_PlaceParametersRequest__Output, _bptt_v1_PlaceParametersReply>;
  
  /**
   * Parameters: one header, any number of chunks, one commit. ABORTED when those asked for are no longer, or not yet, held.
   */
  PullParameters: grpc.handleServerStreamingCall<_bptt_v1_PullParametersRequest__Output, _bptt_v1_PullParametersReply>;
  
  /**
   * One header, any number of chunks, one commit; or one header and `placed`, where the payload lies in the file of this worker. Nothing counts before
   * the commit, or `placed`.
   */
  PushGradient: grpc.handleClientStreamingCall<_bptt_v1_PushGradientRequest__Output, _bptt_v1_PushGradientReply>;
  
}

export interface ParameterServerDefinition extends grpc.ServiceDefinition {
  Control: MethodDefinition<_bptt_v1_WorkerEvent, _bptt_v1_ServerCommand, _bptt_v1_WorkerEvent__Output, _bptt_v1_ServerCommand__Output>
  GetInfo: MethodDefinition<_bptt_v1_GetInfoRequest, _bptt_v1_ServerInfo, _bptt_v1_GetInfoRequest__Output, _bptt_v1_ServerInfo__Output>
  Join: MethodDefinition<_bptt_v1_JoinRequest, _bptt_v1_JoinReply, _bptt_v1_JoinRequest__Output, _bptt_v1_JoinReply__Output>
  Leave: MethodDefinition<_bptt_v1_LeaveRequest, _bptt_v1_LeaveReply, _bptt_v1_LeaveRequest__Output, _bptt_v1_LeaveReply__Output>
  PlaceParameters: MethodDefinition<_bptt_v1_PlaceParametersRequest, _bptt_v1_PlaceParametersReply, _bptt_v1_PlaceParametersRequest__Output, _bptt_v1_PlaceParametersReply__Output>
  PullParameters: MethodDefinition<_bptt_v1_PullParametersRequest, _bptt_v1_PullParametersReply, _bptt_v1_PullParametersRequest__Output, _bptt_v1_PullParametersReply__Output>
  PushGradient: MethodDefinition<_bptt_v1_PushGradientRequest, _bptt_v1_PushGradientReply, _bptt_v1_PushGradientRequest__Output, _bptt_v1_PushGradientReply__Output>
}
