import { createHash } from 'node:crypto';
import { BpttError, type ParameterLayout, type ScheduleState } from '@bptt/core';
import { decodeSafetensors, encodeSafetensors, fromStateDict, toStateDict } from '@bptt/interop';
import { canonicalJson } from './canonical-json.js';
import type { Cursor } from './run-state.js';

const FORMAT = 'bptt-checkpoint/1';
const STATES = 'bptt.states';

/** What a checkpoint tells of its run, beside numbers. */
export interface CheckpointOrigin {
  readonly runId: string;
  readonly backendId: string;
  readonly corpusHash: string;
  /** The run's configuration, as JSON. */
  readonly configJson: string;
  /** SHA-256 of `vocabulary.json`, hex. */
  readonly vocabularySha256: string;
}

/** All that is needed to go on with a run. */
export interface Checkpoint {
  readonly origin: CheckpointOrigin;
  readonly cursor: Cursor;
  /** Flat, in the order of the layout. */
  readonly parameters: Float32Array;
  /** SHA-256 of the bytes of `parameters`, hex. */
  readonly parametersSha256: string;
  /** Carried states of each microshard [L, B, H]; undefined where they are zero. */
  readonly states: readonly (Float32Array | undefined)[];
}

/** A checkpoint as a safetensors file: parameters as PyTorch orients them, carried states as `bptt.states`, all else as metadata. */
export function encodeCheckpoint(layout: ParameterLayout, checkpoint: Checkpoint): Uint8Array {
  const { origin, cursor, parameters, parametersSha256, states } = checkpoint;
  const flat = joinStates(states);
  const metadata = {
    format: FORMAT,
    run: origin.runId,
    backend: origin.backendId,
    corpus: origin.corpusHash,
    config: origin.configJson,
    vocabulary: origin.vocabularySha256,
    step: String(cursor.step),
    schedule: JSON.stringify(cursor.schedule),
    scheduledStep: String(cursor.scheduledStep),
    states: JSON.stringify(states.map((state) => state?.length ?? 0)),
    parametersSha256,
  };
  const stateTensors = flat.length > 0 ? [{ name: STATES, shape: [flat.length], values: flat }] : [];
  return encodeSafetensors([...toStateDict(layout, parameters), ...stateTensors], { ...metadata, sha256: contentHash(metadata, parameters, flat) });
}

/**
 * Reads a checkpoint and verifies its hash.
 * @throws BpttError `data-loss` where the file is damaged or no checkpoint of this layout
 */
export function decodeCheckpoint(layout: ParameterLayout, bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { sha256, ...rest } = metadata;
  if (rest['format'] !== FORMAT) throw damage(`expected format ${FORMAT}, got ${JSON.stringify(rest['format'])}`);
  const parameters = fromStateDict(layout, tensors.filter(({ name }) => name !== STATES));
  const flat = tensors.find(({ name }) => name === STATES)?.values ?? new Float32Array(0);
  const hash = contentHash(rest, parameters, flat);
  if (hash !== sha256) throw damage(`expected sha256 ${sha256}, got ${hash}`);
  return {
    origin: { runId: rest['run'], backendId: rest['backend'], corpusHash: rest['corpus'], configJson: rest['config'], vocabularySha256: rest['vocabulary'] },
    cursor: { step: Number(rest['step']), schedule: JSON.parse(rest['schedule']) as ScheduleState, scheduledStep: Number(rest['scheduledStep']) },
    parameters,
    parametersSha256: rest['parametersSha256'],
    states: splitStates(flat, JSON.parse(rest['states']) as number[]),
  };
}

/** SHA-256 of the bytes of `values`, hex. */
export function floatsSha256(values: Float32Array): string {
  return createHash('sha256').update(bytesOf(values)).digest('hex');
}

function contentHash(metadata: Record<string, string>, parameters: Float32Array, states: Float32Array): string {
  return createHash('sha256').update(canonicalJson(metadata)).update(bytesOf(parameters)).update(bytesOf(states)).digest('hex');
}

function joinStates(states: Checkpoint['states']): Float32Array {
  const flat = new Float32Array(states.reduce((size, state) => size + (state?.length ?? 0), 0));
  let at = 0;
  for (const state of states) {
    if (state === undefined) continue;
    flat.set(state, at);
    at += state.length;
  }
  return flat;
}

function splitStates(flat: Float32Array, lengths: readonly number[]): (Float32Array | undefined)[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return length === 0 ? undefined : flat.slice(at - length, at);
  });
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function damage(message: string): BpttError {
  return new BpttError('data-loss', `checkpoint: ${message}`);
}
