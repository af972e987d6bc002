// Original file: ../../protos/bptt/v1/bptt.proto


export interface GetStatusRequest {
}

export interface GetStatusRequest__Output {
}
