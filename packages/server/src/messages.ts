import { BpttError, type BatchCounts, type FloatArray, type Microshard } from '@bptt/core';
import { bytesOf, LeaseKind, RunState as WireRunState, type Lease__Output, type LeaseKind__Output, type Microshard__Output, type PushHeader__Output, type RunState__Output } from '@bptt/rpc';
import type { PushClaim } from './push.js';
import type { Lease, Round, RoundKind } from './round.js';
import type { RunState } from './run-state.js';

const KIND_ON_WIRE: Readonly<Record<RoundKind, LeaseKind__Output>> = { train: LeaseKind.LEASE_KIND_TRAIN, evaluate: LeaseKind.LEASE_KIND_EVALUATE };

/** A lease as it travels. `microshards`: those of its node that are not empty. `batch`: what the whole batch has; undefined for an evaluation. */
export function leaseMessage(lease: Lease, round: Round, microshards: readonly Microshard__Output[], batch: BatchCounts | undefined): Lease__Output {
  const { id, node, grantedMs, expiresMs } = lease;
  return {
    leaseId: id,
    kind: KIND_ON_WIRE[round.kind],
    step: round.step,
    nodeBegin: node.begin,
    nodeWidth: node.width,
    microshards: [...microshards],
    expiresInMs: Math.ceil(expiresMs - grantedMs),
    batch: batch ?? null,
    parametersVersion: round.parametersVersion,
  };
}

/** A microshard as it travels, with its carried states, if any. */
export function microshardMessage(microshard: Microshard, initialStates: Float32Array | undefined): Microshard__Output {
  const { index, T, B, inputs, targets, sequences, features, values } = microshard;
  return {
    index,
    timeSteps: T,
    sequences: B,
    inputs: bufferOf(inputs),
    targets: bufferOf(targets),
    sequenceIndexes: bufferOf(sequences),
    initialStates: floatsOf(initialStates),
    features: floatsOf(features),
    values: floatsOf(values),
  };
}

/** What the header of a push claims. @throws BpttError `invalid-argument` for a kind that is neither training nor evaluation */
export function claimOf(header: PushHeader__Output): PushClaim {
  const { runId, workerId, generation, leaseId, step, totalBytes, gradientBytes, stateBytes, lossSum, tokens, sequences } = header;
  const kind = (['train', 'evaluate'] as const).find((name) => KIND_ON_WIRE[name] === header.kind);
  if (kind === undefined) throw new BpttError('invalid-argument', `kind: expected ${Object.values(KIND_ON_WIRE).join(' or ')}, got ${header.kind}`);
  const node = { begin: header.nodeBegin, width: header.nodeWidth };
  const nonFinite = header.nonFinite ?? undefined;
  return { runId, workerId, generation, leaseId, kind, step, node, totalBytes, gradientBytes, stateBytes, lossSum, tokens, sequences, nonFinite };
}

/** What a run is doing, as it is told to the world. */
export function runStateMessage({ phase, round, ending }: RunState): RunState__Output {
  if (phase === 'ended') return ending?.outcome === 'failed' ? WireRunState.RUN_STATE_FAILED : WireRunState.RUN_STATE_FINISHED;
  if (ending !== undefined) return WireRunState.RUN_STATE_DRAINING;
  return round?.kind === 'evaluate' && phase === 'computing' ? WireRunState.RUN_STATE_EVALUATING : WireRunState.RUN_STATE_TRAINING;
}

function floatsOf(values: FloatArray | undefined): Buffer {
  return values === undefined ? Buffer.alloc(0) : bufferOf(values instanceof Float32Array ? values : Float32Array.from(values));
}

function bufferOf(values: ArrayBufferView): Buffer {
  const { buffer, byteOffset, byteLength } = bytesOf(values);
  return Buffer.from(buffer, byteOffset, byteLength);
}
