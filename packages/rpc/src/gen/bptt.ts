import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AdminClient as _bptt_v1_AdminClient, AdminDefinition as _bptt_v1_AdminDefinition } from './bptt/v1/Admin.js';
import type { BatchCounts as _bptt_v1_BatchCounts, BatchCounts__Output as _bptt_v1_BatchCounts__Output } from './bptt/v1/BatchCounts.js';
import type { BlobCommit as _bptt_v1_BlobCommit, BlobCommit__Output as _bptt_v1_BlobCommit__Output } from './bptt/v1/BlobCommit.js';
import type { ByteRange as _bptt_v1_ByteRange, ByteRange__Output as _bptt_v1_ByteRange__Output } from './bptt/v1/ByteRange.js';
import type { Drain as _bptt_v1_Drain, Drain__Output as _bptt_v1_Drain__Output } from './bptt/v1/Drain.js';
import type { Exchange as _bptt_v1_Exchange, Exchange__Output as _bptt_v1_Exchange__Output } from './bptt/v1/Exchange.js';
import type { GetInfoRequest as _bptt_v1_GetInfoRequest, GetInfoRequest__Output as _bptt_v1_GetInfoRequest__Output } from './bptt/v1/GetInfoRequest.js';
import type { GetStatusReply as _bptt_v1_GetStatusReply, GetStatusReply__Output as _bptt_v1_GetStatusReply__Output } from './bptt/v1/GetStatusReply.js';
import type { GetStatusRequest as _bptt_v1_GetStatusRequest, GetStatusRequest__Output as _bptt_v1_GetStatusRequest__Output } from './bptt/v1/GetStatusRequest.js';
import type { Head as _bptt_v1_Head, Head__Output as _bptt_v1_Head__Output } from './bptt/v1/Head.js';
import type { Heartbeat as _bptt_v1_Heartbeat, Heartbeat__Output as _bptt_v1_Heartbeat__Output } from './bptt/v1/Heartbeat.js';
import type { JoinReply as _bptt_v1_JoinReply, JoinReply__Output as _bptt_v1_JoinReply__Output } from './bptt/v1/JoinReply.js';
import type { JoinRequest as _bptt_v1_JoinRequest, JoinRequest__Output as _bptt_v1_JoinRequest__Output } from './bptt/v1/JoinRequest.js';
import type { Lease as _bptt_v1_Lease, Lease__Output as _bptt_v1_Lease__Output } from './bptt/v1/Lease.js';
import type { LeaseFailed as _bptt_v1_LeaseFailed, LeaseFailed__Output as _bptt_v1_LeaseFailed__Output } from './bptt/v1/LeaseFailed.js';
import type { LeaveReply as _bptt_v1_LeaveReply, LeaveReply__Output as _bptt_v1_LeaveReply__Output } from './bptt/v1/LeaveReply.js';
import type { LeaveRequest as _bptt_v1_LeaveRequest, LeaveRequest__Output as _bptt_v1_LeaveRequest__Output } from './bptt/v1/LeaveRequest.js';
import type { Manifest as _bptt_v1_Manifest, Manifest__Output as _bptt_v1_Manifest__Output } from './bptt/v1/Manifest.js';
import type { Microshard as _bptt_v1_Microshard, Microshard__Output as _bptt_v1_Microshard__Output } from './bptt/v1/Microshard.js';
import type { ModelConfig as _bptt_v1_ModelConfig, ModelConfig__Output as _bptt_v1_ModelConfig__Output } from './bptt/v1/ModelConfig.js';
import type { NonFinite as _bptt_v1_NonFinite, NonFinite__Output as _bptt_v1_NonFinite__Output } from './bptt/v1/NonFinite.js';
import type { Objective as _bptt_v1_Objective, Objective__Output as _bptt_v1_Objective__Output } from './bptt/v1/Objective.js';
import type { ParameterServerClient as _bptt_v1_ParameterServerClient, ParameterServerDefinition as _bptt_v1_ParameterServerDefinition } from './bptt/v1/ParameterServer.js';
import type { PayloadPlaced as _bptt_v1_PayloadPlaced, PayloadPlaced__Output as _bptt_v1_PayloadPlaced__Output } from './bptt/v1/PayloadPlaced.js';
import type { PlaceParametersReply as _bptt_v1_PlaceParametersReply, PlaceParametersReply__Output as _bptt_v1_PlaceParametersReply__Output } from './bptt/v1/PlaceParametersReply.js';
import type { PlaceParametersRequest as _bptt_v1_PlaceParametersRequest, PlaceParametersRequest__Output as _bptt_v1_PlaceParametersRequest__Output } from './bptt/v1/PlaceParametersRequest.js';
import type { PullHeader as _bptt_v1_PullHeader, PullHeader__Output as _bptt_v1_PullHeader__Output } from './bptt/v1/PullHeader.js';
import type { PullParametersReply as _bptt_v1_PullParametersReply, PullParametersReply__Output as _bptt_v1_PullParametersReply__Output } from './bptt/v1/PullParametersReply.js';
import type { PullParametersRequest as _bptt_v1_PullParametersRequest, PullParametersRequest__Output as _bptt_v1_PullParametersRequest__Output } from './bptt/v1/PullParametersRequest.js';
import type { PushGradientReply as _bptt_v1_PushGradientReply, PushGradientReply__Output as _bptt_v1_PushGradientReply__Output } from './bptt/v1/PushGradientReply.js';
import type { PushGradientRequest as _bptt_v1_PushGradientRequest, PushGradientRequest__Output as _bptt_v1_PushGradientRequest__Output } from './bptt/v1/PushGradientRequest.js';
import type { PushHeader as _bptt_v1_PushHeader, PushHeader__Output as _bptt_v1_PushHeader__Output } from './bptt/v1/PushHeader.js';
import type { Ready as _bptt_v1_Ready, Ready__Output as _bptt_v1_Ready__Output } from './bptt/v1/Ready.js';
import type { Revoke as _bptt_v1_Revoke, Revoke__Output as _bptt_v1_Revoke__Output } from './bptt/v1/Revoke.js';
import type { ServerCommand as _bptt_v1_ServerCommand, ServerCommand__Output as _bptt_v1_ServerCommand__Output } from './bptt/v1/ServerCommand.js';
import type { ServerInfo as _bptt_v1_ServerInfo, ServerInfo__Output as _bptt_v1_ServerInfo__Output } from './bptt/v1/ServerInfo.js';
import type { SharedFile as _bptt_v1_SharedFile, SharedFile__Output as _bptt_v1_SharedFile__Output } from './bptt/v1/SharedFile.js';
import type { StepAdvanced as _bptt_v1_StepAdvanced, StepAdvanced__Output as _bptt_v1_StepAdvanced__Output } from './bptt/v1/StepAdvanced.js';
import type { Tensor as _bptt_v1_Tensor, Tensor__Output as _bptt_v1_Tensor__Output } from './bptt/v1/Tensor.js';
import type { TensorChunk as _bptt_v1_TensorChunk, TensorChunk__Output as _bptt_v1_TensorChunk__Output } from './bptt/v1/TensorChunk.js';
import type { WorkerEvent as _bptt_v1_WorkerEvent, WorkerEvent__Output as _bptt_v1_WorkerEvent__Output } from './bptt/v1/WorkerEvent.js';
import type { WorkerStatus as _bptt_v1_WorkerStatus, WorkerStatus__Output as _bptt_v1_WorkerStatus__Output } from './bptt/v1/WorkerStatus.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  bptt: {
    v1: {
      /**
       * What an operator needs.
       */
      Admin: SubtypeConstructor<typeof grpc.Client, _bptt_v1_AdminClient> & { service: _bptt_v1_AdminDefinition }
      BatchCounts: MessageTypeDefinition<_bptt_v1_BatchCounts, _bptt_v1_BatchCounts__Output>
      BlobCommit: MessageTypeDefinition<_bptt_v1_BlobCommit, _bptt_v1_BlobCommit__Output>
      ByteRange: MessageTypeDefinition<_bptt_v1_ByteRange, _bptt_v1_ByteRange__Output>
      Drain: MessageTypeDefinition<_bptt_v1_Drain, _bptt_v1_Drain__Output>
      Exchange: MessageTypeDefinition<_bptt_v1_Exchange, _bptt_v1_Exchange__Output>
      GetInfoRequest: MessageTypeDefinition<_bptt_v1_GetInfoRequest, _bptt_v1_GetInfoRequest__Output>
      GetStatusReply: MessageTypeDefinition<_bptt_v1_GetStatusReply, _bptt_v1_GetStatusReply__Output>
      GetStatusRequest: MessageTypeDefinition<_bptt_v1_GetStatusRequest, _bptt_v1_GetStatusRequest__Output>
      Head: MessageTypeDefinition<_bptt_v1_Head, _bptt_v1_Head__Output>
      Heartbeat: MessageTypeDefinition<_bptt_v1_Heartbeat, _bptt_v1_Heartbeat__Output>
      JoinReply: MessageTypeDefinition<_bptt_v1_JoinReply, _bptt_v1_JoinReply__Output>
      JoinRequest: MessageTypeDefinition<_bptt_v1_JoinRequest, _bptt_v1_JoinRequest__Output>
      Lease: MessageTypeDefinition<_bptt_v1_Lease, _bptt_v1_Lease__Output>
      LeaseFailed: MessageTypeDefinition<_bptt_v1_LeaseFailed, _bptt_v1_LeaseFailed__Output>
      LeaseKind: EnumTypeDefinition
      LeaveReply: MessageTypeDefinition<_bptt_v1_LeaveReply, _bptt_v1_LeaveReply__Output>
      LeaveRequest: MessageTypeDefinition<_bptt_v1_LeaveRequest, _bptt_v1_LeaveRequest__Output>
      Manifest: MessageTypeDefinition<_bptt_v1_Manifest, _bptt_v1_Manifest__Output>
      Microshard: MessageTypeDefinition<_bptt_v1_Microshard, _bptt_v1_Microshard__Output>
      ModelConfig: MessageTypeDefinition<_bptt_v1_ModelConfig, _bptt_v1_ModelConfig__Output>
      NonFinite: MessageTypeDefinition<_bptt_v1_NonFinite, _bptt_v1_NonFinite__Output>
      Objective: MessageTypeDefinition<_bptt_v1_Objective, _bptt_v1_Objective__Output>
      /**
       * What a worker needs. A step goes: lease, pull, compute, push, and when the batch is complete the server advances the step.
       */
      ParameterServer: SubtypeConstructor<typeof grpc.Client, _bptt_v1_ParameterServerClient> & { service: _bptt_v1_ParameterServerDefinition }
      PayloadPlaced: MessageTypeDefinition<_bptt_v1_PayloadPlaced, _bptt_v1_PayloadPlaced__Output>
      PlaceParametersReply: MessageTypeDefinition<_bptt_v1_PlaceParametersReply, _bptt_v1_PlaceParametersReply__Output>
      PlaceParametersRequest: MessageTypeDefinition<_bptt_v1_PlaceParametersRequest, _bptt_v1_PlaceParametersRequest__Output>
      PullHeader: MessageTypeDefinition<_bptt_v1_PullHeader, _bptt_v1_PullHeader__Output>
      PullParametersReply: MessageTypeDefinition<_bptt_v1_PullParametersReply, _bptt_v1_PullParametersReply__Output>
      PullParametersRequest: MessageTypeDefinition<_bptt_v1_PullParametersRequest, _bptt_v1_PullParametersRequest__Output>
      PushGradientReply: MessageTypeDefinition<_bptt_v1_PushGradientReply, _bptt_v1_PushGradientReply__Output>
      PushGradientRequest: MessageTypeDefinition<_bptt_v1_PushGradientRequest, _bptt_v1_PushGradientRequest__Output>
      PushHeader: MessageTypeDefinition<_bptt_v1_PushHeader, _bptt_v1_PushHeader__Output>
      PushOutcome: EnumTypeDefinition
      Ready: MessageTypeDefinition<_bptt_v1_Ready, _bptt_v1_Ready__Output>
      Revoke: MessageTypeDefinition<_bptt_v1_Revoke, _bptt_v1_Revoke__Output>
      RunState: EnumTypeDefinition
      ServerCommand: MessageTypeDefinition<_bptt_v1_ServerCommand, _bptt_v1_ServerCommand__Output>
      ServerInfo: MessageTypeDefinition<_bptt_v1_ServerInfo, _bptt_v1_ServerInfo__Output>
      SharedFile: MessageTypeDefinition<_bptt_v1_SharedFile, _bptt_v1_SharedFile__Output>
      StepAdvanced: MessageTypeDefinition<_bptt_v1_StepAdvanced, _bptt_v1_StepAdvanced__Output>
      Tensor: MessageTypeDefinition<_bptt_v1_Tensor, _bptt_v1_Tensor__Output>
      TensorChunk: MessageTypeDefinition<_bptt_v1_TensorChunk, _bptt_v1_TensorChunk__Output>
      WorkerEvent: MessageTypeDefinition<_bptt_v1_WorkerEvent, _bptt_v1_WorkerEvent__Output>
      WorkerStatus: MessageTypeDefinition<_bptt_v1_WorkerStatus, _bptt_v1_WorkerStatus__Output>
    }
  }
}

