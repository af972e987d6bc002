import { layOut, type ParameterLayout } from '@bptt/core';
import type { PushHeader__Output } from '../gen/bptt/v1/PushHeader.js';
import type { PullParametersReply } from '../gen/bptt/v1/PullParametersReply.js';
import { manifestOf } from '../manifest.js';
import { sha256 } from '../sha256.js';
import { tensorChunks } from '../tensor-codec.js';

/** A push header that only says how long the payload is. */
export function pushHeader(totalBytes: number): PushHeader__Output {
  return {
    runId: 'run', workerId: 'worker', generation: 1, leaseId: 2, kind: 'LEASE_KIND_TRAIN', step: 3, nodeBegin: 0, nodeWidth: 1,
    totalBytes, gradientBytes: totalBytes, stateBytes: 0, lossSum: 1.5, tokens: 4, sequences: 1,
  };
}

/** `length` bytes that differ from place to place and from chunk to chunk. */
export function patternBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const words = new Uint32Array(bytes.buffer, 0, length >>> 2);
  for (let i = 0; i < words.length; i += 1) words[i] = Math.imul(i + 1, 0x9e3779b1);
  return bytes;
}

/** A layout of one transposed and one plain tensor. */
export function smallLayout(): ParameterLayout {
  return layOut([
    { name: 'rnn.weight_ih_l0', shape: [3, 2], rowSparse: true, transposed: true },
    { name: 'decoder.bias', shape: [3] },
  ]);
}

/** Of the parameters that `pullFrames` sends. */
export const VERSION = 3;

/** All frames of an honest pull. */
export function pullFrames(blob: Uint8Array, layout: ParameterLayout, step: number): PullParametersReply[] {
  const header = { step, totalBytes: blob.byteLength, manifestSha256: manifestOf(layout).sha256, parametersVersion: VERSION };
  return [{ header }, ...[...tensorChunks(blob)].map((chunk) => ({ chunk })), { commit: { totalBytes: blob.byteLength, sha256: sha256(blob) } }];
}
