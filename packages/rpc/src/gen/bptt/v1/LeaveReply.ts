// Original file: ../../protos/bptt/v1/bptt.proto


export interface LeaveReply {
}

export interface LeaveReply__Output {
}
