// Original file: ../../protos/bptt/v1/bptt.proto


export interface GetInfoRequest {
}

export interface GetInfoRequest__Output {
}
