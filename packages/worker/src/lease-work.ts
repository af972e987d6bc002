import { BpttError, idLimits, NO_TOKEN, stateSize, type BatchContext, type Microshard, type ModelConfig } from '@bptt/core';
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
    batch: kind === 'LEASE_KIND_TRAIN' ? readBatch(lease) : undefined,
    node: { begin: nodeBegin, width: nodeWidth },
    microshards: lease.microshards.map((message) => readMicroshard(lease, message, model)),
  };
}

function readBatch(lease: Lease__Output): BatchContext {
  const { step, batch } = lease;
  if (batch === null) throw refused(lease, 'expected the counts of the batch, got none');
  const { tokens, transitions, sequences } = batch;
  return { step, counts: { tokens, transitions, sequences } };
}

function readMicroshard(lease: Lease__Output, message: Microshard__Output, model: ModelConfig): MicroshardWork {
  const { index, timeSteps: T, sequences: B } = message;
  const ids = (name: 'inputs' | 'targets' | 'sequenceIndexes', length: number): Int32Array => {
    const bytes = bytesOfLength(name, 4 * length);
    return new Int32Array(bytes.buffer);
  };
  const bytesOfLength = (name: 'inputs' | 'targets' | 'sequenceIndexes' | 'initialStates' | 'features' | 'values', length: number): Uint8Array<ArrayBuffer> => {
    const bytes = message[name];
    if (bytes.byteLength !== length) throw refused(lease, `expected ${String(length)} bytes of ${name} in microshard ${String(index)}, got ${String(bytes.byteLength)}`);
    // Copied: what came over the wire lies at any byte, and numbers need a multiple of four.
    return Uint8Array.from(bytes);
  };
  const floats = (name: 'initialStates' | 'features' | 'values', length: number): Float32Array => new Float32Array(bytesOfLength(name, 4 * length).buffer);
  const microshard: Microshard = {
    index, T, B, inputs: ids('inputs', T * B), targets: ids('targets', T * B), sequences: ids('sequenceIndexes', B),
    features: model.input === 'dense' ? floats('features', T * B * model.embedding) : undefined,
    values: model.head.kind === 'lastSquaredError' ? floats('values', B * model.head.outputs) : undefined,
  };
  const limits = idLimits(model);
  for (const kind of ['inputs', 'targets'] as const) {
    const odd = microshard[kind].find((id) => id < NO_TOKEN || id >= limits[kind]);
    if (odd !== undefined) throw refused(lease, `expected word ids from -1 to ${String(limits[kind] - 1)} in microshard ${String(index)}, got ${String(odd)}`);
  }
  const initialStates = message.initialStates.byteLength > 0 ? floats('initialStates', stateSize(model, B)) : undefined;
  return { microshard, initialStates };
}

function refused({ leaseId }: Lease__Output, text: string): BpttError {
  return new BpttError('invalid-argument', `lease ${String(leaseId)}: ${text}`);
}
