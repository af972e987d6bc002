// Original file: ../../protos/bptt/v1/bptt.proto

import type { SharedFile as _bptt_v1_SharedFile, SharedFile__Output as _bptt_v1_SharedFile__Output } from '../../bptt/v1/SharedFile.js';

/**
 * Files through which a worker on the same machine exchanges tensors with its server, in place of chunks.
 */
export interface Exchange {
  /**
   * Written by the server when PlaceParameters asks for it, stamped with the version.
   */
  'parameters'?: (_bptt_v1_SharedFile | null);
  /**
   * Written by this worker alone, stamped with the lease id.
   */
  'gradients'?: (_bptt_v1_SharedFile | null);
}

/**
 * Files through which a worker on the same machine exchanges tensors with its server, in place of chunks.
 */
export interface Exchange__Output {
  /**
   * Written by the server when PlaceParameters asks for it, stamped with the version.
   */
  'parameters': (_bptt_v1_SharedFile__Output | null);
  /**
   * Written by this worker alone, stamped with the lease id.
   */
  'gradients': (_bptt_v1_SharedFile__Output | null);
}
