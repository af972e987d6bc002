// Original file: ../../protos/bptt/v1/bptt.proto


export interface Ready {
}

export interface Ready__Output {
}
