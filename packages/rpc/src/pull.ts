import type { Channel } from './channel.js';
import { assert, BpttError } from '@bptt/core';
import { BlobAssembler, type BlobAssemblerOptions } from './blob-assembler.js';
import type { BlobCommit__Output } from './gen/bptt/v1/BlobCommit.js';
import type { PullHeader__Output } from './gen/bptt/v1/PullHeader.js';
import type { PullParametersReply__Output } from './gen/bptt/v1/PullParametersReply.js';
import type { PulledParameters } from './server-connection.js';
import { floatsOf } from './tensor-codec.js';

export interface ParameterPull {
  readonly runId: string;
  /** Undefined: whatever step. */
  readonly step?: number | undefined;
  /** Undefined: those that the step, or the newest, is judged by. */
  readonly version?: number | undefined;
  /** Most bytes to be accepted. */
  readonly bytesMax: number;
  /** Memory that is large enough, whatever it holds, from a multiple of 4 bytes on. Default: a new SharedArrayBuffer. */
  readonly into?: Uint8Array | undefined;
}

/** Parameters with their hash, and that of the manifest by which they are to be read. */
export interface PulledBlob extends PulledParameters {
  /** SHA-256 of the bytes, hex. */
  readonly sha256: string;
  readonly manifestSha256: Buffer;
}

/**
 * Pulls one whole set of parameters and verifies every chunk, the length and the hash of the whole. Once it has settled it writes no more; where it
 * rejects, nothing is known of what `into` holds.
 * @throws BpttError `invalid-argument` where `into` or `bytesMax` is smaller than the parameters, or frames are out of order; `data-loss` where
 *   bytes and hashes do not agree; otherwise as the server or the network says
 */
export async function pullParameters(channel: Channel, { runId, step, version, bytesMax, into }: ParameterPull): Promise<PulledBlob> {
  assertAligned(into);
  const request = { runId, ranges: [], ...(step !== undefined && { step }), ...(version !== undefined && { parametersVersion: version }) };
  const call = channel.start('pullParameters', (options) => channel.parameterServer.pullParameters(request, options));
  // grpc-js reports a cancelled call once more, when nobody iterates over it any longer.
  call.on('error', () => undefined);
  try {
    const { header, bytes, sha256 } = await assemble(call, { bytesMax, into });
    if (step !== undefined && header.step !== step) throw new BpttError('data-loss', `pull: expected parameters of step ${String(step)}, got step ${String(header.step)}`);
    const got = header.parametersVersion;
    if (version !== undefined && got !== version) throw new BpttError('data-loss', `pull: expected parameters of version ${String(version)}, got version ${String(got)}`);
    return { version: got, step: header.step, values: floatsOf(bytes), sha256, manifestSha256: header.manifestSha256, isHeld: () => true };
  } catch (error) {
    call.cancel();
    throw channel.failure('pullParameters', error);
  }
}

interface Assembled {
  readonly header: PullHeader__Output;
  readonly bytes: Uint8Array;
  /** Hex. */
  readonly sha256: string;
}

async function assemble(frames: AsyncIterable<unknown>, target: BlobAssemblerOptions): Promise<Assembled> {
  let header: PullHeader__Output | undefined;
  let blob: BlobAssembler | undefined;
  let commit: BlobCommit__Output | undefined;
  for await (const frame of frames as AsyncIterable<PullParametersReply__Output>) {
    if (commit !== undefined) throw new BpttError('invalid-argument', `pull: expected nothing after the commit, got ${frame.frame ?? 'an unknown frame'}`);
    if (frame.frame === 'header' && frame.header && header === undefined) {
      header = frame.header;
      blob = new BlobAssembler(wholeFloats(header.totalBytes), target);
    } else if (frame.frame === 'chunk' && frame.chunk && blob !== undefined) {
      blob.add(frame.chunk);
    } else if (frame.frame === 'commit' && frame.commit && blob !== undefined) {
      ({ commit } = frame);
    } else {
      throw new BpttError('invalid-argument', `pull: expected one header, chunks and a commit, got ${frame.frame ?? 'an unknown frame'} ${blob === undefined ? 'before' : 'after'} the header`);
    }
  }
  if (header === undefined || blob === undefined) throw new BpttError('invalid-argument', 'pull: expected a header, got an empty stream');
  if (commit === undefined) throw new BpttError('data-loss', 'pull: the stream ended before its commit');
  return { header, bytes: blob.finish(commit), sha256: commit.sha256.toString('hex') };
}

/** Floats cannot lie anywhere else. */
export function assertAligned(into: Uint8Array | undefined): void {
  const byteOffset = into?.byteOffset ?? 0;
  assert(byteOffset % Float32Array.BYTES_PER_ELEMENT === 0, () => `pull: expected memory from a multiple of 4 bytes on, got ${String(byteOffset)}`);
}

/** @throws BpttError `invalid-argument` for a length that floats cannot have */
export function wholeFloats(bytes: number): number {
  if (bytes % Float32Array.BYTES_PER_ELEMENT !== 0) throw new BpttError('invalid-argument', `pull: expected a multiple of 4 bytes, got ${String(bytes)}`);
  return bytes;
}
