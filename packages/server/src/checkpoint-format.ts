import { createHash } from 'node:crypto';
import { BpttError, type ParameterLayout } from '@bptt/core';
import { decodeSafetensors, encodeSafetensors, fromStateDict, toStateDict, type NamedTensor } from '@bptt/interop';
import { canonicalJson } from './canonical-json.js';
import type { Cursor } from './run-state.js';

const FORMAT = 'bptt-checkpoint/2';
/** Tensors whose names begin with this are the run's own, flat and in the order of its layout; all others are the model's, as PyTorch has them. */
const OWN_TENSOR_PREFIX = 'bptt.';
const STATES = `${OWN_TENSOR_PREFIX}states`;
const ITERATE = `${OWN_TENSOR_PREFIX}iterate`;
const BEST = `${OWN_TENSOR_PREFIX}best`;
const SLOT_PREFIX = `${OWN_TENSOR_PREFIX}optimizer.`;

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
  /** Those that the run is judged by, flat, in the order of the layout: an average of iterates, or the newest iterate. */
  readonly parameters: Float32Array;
  /** SHA-256 of the bytes of `parameters`, hex. */
  readonly parametersSha256: string;
  /** What the next step starts from, where `parameters` are an average. */
  readonly iterate: Float32Array | undefined;
  /** What the optimiser keeps, by name, each as long as the parameters. */
  readonly slots: Readonly<Record<string, Float32Array>>;
  /** Parameters of the best validation, where the schedule may go back to them. */
  readonly best: Float32Array | undefined;
  /** Carried states of each microshard, in the order of `carryParts` of core; undefined where they are zero. */
  readonly states: readonly (Float32Array | undefined)[];
}

/** A checkpoint as a safetensors file: parameters as PyTorch orients them, what else a resume needs under `bptt.`, plain data as metadata. */
export function encodeCheckpoint(layout: ParameterLayout, checkpoint: Checkpoint): Uint8Array {
  const { origin, cursor, parameters, parametersSha256, iterate, slots, best, states } = checkpoint;
  const flatStates = joinStates(states);
  const own = [
    ...(flatStates.length > 0 ? [flatTensor(STATES, flatStates)] : []),
    ...Object.entries(slots).map(([name, values]) => flatTensor(SLOT_PREFIX + name, values)),
    ...(iterate === undefined ? [] : [flatTensor(ITERATE, iterate)]),
    ...(best === undefined ? [] : [flatTensor(BEST, best)]),
  ];
  const metadata = {
    format: FORMAT,
    run: origin.runId,
    backend: origin.backendId,
    corpus: origin.corpusHash,
    config: origin.configJson,
    vocabulary: origin.vocabularySha256,
    step: String(cursor.step),
    cursor: JSON.stringify(cursor),
    states: JSON.stringify(states.map((state) => state?.length ?? 0)),
    parametersSha256,
  };
  return encodeSafetensors([...toStateDict(layout, parameters), ...own], { ...metadata, sha256: contentHash(metadata, parameters, own) });
}

/**
 * Reads a checkpoint and verifies its hash.
 * @throws BpttError `data-loss` where the file is damaged or no checkpoint of this layout
 */
export function decodeCheckpoint(layout: ParameterLayout, bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { sha256, ...rest } = metadata;
  if (rest['format'] !== FORMAT) throw damage(`expected format ${FORMAT}, got ${JSON.stringify(rest['format'])}`);
  const parameters = fromStateDict(layout, tensors.filter((tensor) => !isOwn(tensor)));
  const own = tensors.filter(isOwn);
  const hash = contentHash(rest, parameters, own);
  if (hash !== sha256) throw damage(`expected sha256 ${sha256}, got ${hash}`);
  const lengths = JSON.parse(rest['states']) as number[];
  return {
    origin: { runId: rest['run'], backendId: rest['backend'], corpusHash: rest['corpus'], configJson: rest['config'], vocabularySha256: rest['vocabulary'] },
    cursor: JSON.parse(rest['cursor']) as Cursor,
    parameters,
    parametersSha256: rest['parametersSha256'],
    iterate: own.filter(({ name }) => name === ITERATE).map(likeParameters).at(0),
    slots: Object.fromEntries(own.filter(({ name }) => name.startsWith(SLOT_PREFIX)).map((tensor) => [tensor.name.slice(SLOT_PREFIX.length), likeParameters(tensor)])),
    best: own.filter(({ name }) => name === BEST).map(likeParameters).at(0),
    states: splitStates(own.find(({ name }) => name === STATES)?.values ?? new Float32Array(0), lengths),
  };

  function likeParameters({ name, values }: NamedTensor): Float32Array {
    if (values.length !== layout.size) throw damage(`${name}: expected ${String(layout.size)} values, as many as the model has parameters, got ${String(values.length)}`);
    return values;
  }
}

/** Whether a tensor is the run's own, and none of the model. */
export function isOwn({ name }: Pick<NamedTensor, 'name'>): boolean {
  return name.startsWith(OWN_TENSOR_PREFIX);
}

/** SHA-256 of the bytes of `values`, hex. */
export function floatsSha256(values: Float32Array): string {
  return createHash('sha256').update(bytesOf(values)).digest('hex');
}

function flatTensor(name: string, values: Float32Array): NamedTensor {
  return { name, shape: [values.length], values };
}

function contentHash(metadata: Record<string, string>, parameters: Float32Array, own: readonly NamedTensor[]): string {
  const tensors = own.map(({ name, shape }) => [name, shape]);
  const hash = createHash('sha256').update(canonicalJson({ metadata, tensors })).update(bytesOf(parameters));
  for (const { values } of own) hash.update(bytesOf(values));
  return hash.digest('hex');
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
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total !== flat.length) throw damage(`${STATES}: expected ${String(total)} values, got ${String(flat.length)}`);
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
