import { BpttError, NO_TOKEN, stateSize, type Microshard, type ModelConfig } from '@bptt/core';
import type { Lease__Output, Microshard__Output } from '@bptt/rpc';
import { NODE_WIDTH_MAX, type MicroshardWork, type NodeWork } from './compute-pool.js';

/** What there is to compute in `lease`, but for the parameters. */
export type LeaseWork = Omit<NodeWork, 'parameters'>;

/**
 * Reads a lease as it came from the server.
 * @throws BpttError `invalid-argument` for one that this worker cannot compute: an unknown kind, a node that is too wide, microshards
 *   outside the node or out of order, arrays of a wrong length, word ids outside the vocabulary
 */
export function readLease(lease: Lease__Output, model: ModelConfig): LeaseWork {
  const { kind, nodeBegin, nodeWidth } = lease;
  if (kind === 'LEASE_KIND_UNSPECIFIED') throw refused(lease, 'expected a kind, got none');
  if (nodeWidth < 1 || nodeWidth > NODE_WIDTH_MAX) throw refused(lease, `expected a width from 1 to ${String(NODE_WIDTH_MAX)}, got ${String(nodeWidth)}`);
  let least = nodeBegin;
  for (const { index } of lease.microshards) {
    if (index < least || index >= nodeBegin + nodeWidth) {
      throw refused(lease, `expected ascending microshards in [${String(nodeBegin)}, ${String(nodeBegin + nodeWidth)}), got ${String(index)}`);
    }
    least = index + 1;
  }
  return {
    kind: kind === 'LEASE_KIND_TRAIN' ? 'gradient' : 'evaluate',
    node: { begin: nodeBegin, width: nodeWidth },
    microshards: lease.microshards.map((message) => readMicroshard(lease, message, model)),
  };
}

function readMicroshard(lease: Lease__Output, message: Microshard__Output, model: ModelConfig): MicroshardWork {
  const { index, timeSteps: T, sequences: B } = message;
  const ids = (name: 'inputs' | 'targets' | 'sequenceIndexes', length: number): Int32Array => {
    const bytes = bytesOfLength(name, 4 * length);
    return new Int32Array(bytes.buffer);
  };
  const bytesOfLength = (name: 'inputs' | 'targets' | 'sequenceIndexes' | 'initialStates', length: number): Uint8Array<ArrayBuffer> => {
    const bytes = message[name];
    if (bytes.byteLength !== length) throw refused(lease, `expected ${String(length)} bytes of ${name} in microshard ${String(index)}, got ${String(bytes.byteLength)}`);
    // Copied: what came over the wire lies at any byte, and numbers need a multiple of four.
    return Uint8Array.from(bytes);
  };
  const microshard: Microshard = { index, T, B, inputs: ids('inputs', T * B), targets: ids('targets', T * B), sequences: ids('sequenceIndexes', B) };
  for (const array of [microshard.inputs, microshard.targets]) {
    const odd = array.find((id) => id < NO_TOKEN || id >= model.vocabulary);
    if (odd !== undefined) throw refused(lease, `expected word ids from -1 to ${String(model.vocabulary - 1)} in microshard ${String(index)}, got ${String(odd)}`);
  }
  const carried = message.initialStates.byteLength > 0;
  const initialStates = carried ? new Float32Array(bytesOfLength('initialStates', 4 * stateSize(model, B)).buffer) : undefined;
  return { microshard, initialStates };
}

function refused({ leaseId }: Lease__Output, text: string): BpttError {
  return new BpttError('invalid-argument', `lease ${String(leaseId)}: ${text}`);
}
