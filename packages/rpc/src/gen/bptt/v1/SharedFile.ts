// Original file: ../../protos/bptt/v1/bptt.proto


/**
 * A file in memory. Bytes [0, 16): a nonce, by which a worker sees that its path leads to the same file; [16, 24): the stamp, a uint64 that is 0 while the
 * file is being written; from 64 on the data.
 */
export interface SharedFile {
  'path'?: (string);
  'nonce'?: (Buffer | Uint8Array | string);
}

/**
 * A file in memory. Bytes [0, 16): a nonce, by which a worker sees that its path leads to the same file; [16, 24): the stamp, a uint64 that is 0 while the
 * file is being written; from 64 on the data.
 */
export interface SharedFile__Output {
  'path': (string);
  'nonce': (Buffer);
}
