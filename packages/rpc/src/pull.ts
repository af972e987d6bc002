import type { Channel } from './channel.js';
import { assert, BpttError } from '@bptt/core';
import { BlobAssembler, type BlobAssemblerOptions } from './blob-assembler.js';
import type { PullHeader__Output } from './gen/bptt/v1/PullHeader.js';
import type { PullParametersReply__Output } from './gen/bptt/v1/PullParametersReply.js';
import type { PulledParameters } from './server-connection.js';

export interface ParameterPull {
  readonly runId: string;
  /** Undefined: whatever step. */
  readonly step?: number | undefined;
  /** Hex. Undefined: those that the step, or the newest, is judged by. */
  readonly sha256?: string | undefined;
  /** Most bytes to be accepted. */
  readonly bytesMax: number;
  /** Memory that is large enough, whatever it holds, from a multiple of 4 bytes on. Default: a new SharedArrayBuffer. */
  readonly into?: Uint8Array | undefined;
}

/** Parameters with the hash of the manifest by which they are to be read. */
export interface PulledBlob extends PulledParameters {
  readonly manifestSha256: Buffer;
}

/**
 * Pulls one whole set of parameters and verifies every chunk, the length and the hash of the whole. Once it has settled it writes no more; where it
 * rejects, nothing is known of what `into` holds.
 * @throws BpttError `invalid-argument` where `into` or `bytesMax` is smaller than the parameters, or frames are out of order; `data-loss` where
 *   bytes and hashes do not agree; otherwise as the server or the network says
 */
export async function pullParameters(channel: Channel, { runId, step, sha256, bytesMax, into }: ParameterPull): Promise<PulledBlob> {
  const byteOffset = into?.byteOffset ?? 0;
  assert(byteOffset % Float32Array.BYTES_PER_ELEMENT === 0, () => `pull: expected memory from a multiple of 4 bytes on, got ${String(byteOffset)}`);
  const request = { runId, ranges: [], ...(step !== undefined && { step }), ...(sha256 !== undefined && { parametersSha256: Buffer.from(sha256, 'hex') }) };
  const call = channel.start('pullParameters', (options) => channel.parameterServer.pullParameters(request, options));
  // grpc-js reports a cancelled call once more, when nobody iterates over it any longer.
  call.on('error', () => undefined);
  try {
    const { header, bytes } = await assemble(call, { bytesMax, into });
    if (step !== undefined && header.step !== step) throw new BpttError('data-loss', `pull: expected parameters of step ${String(step)}, got step ${String(header.step)}`);
    const got = header.parametersSha256.toString('hex');
    if (sha256 !== undefined && got !== sha256) throw new BpttError('data-loss', `pull: expected parameters ${sha256}, got ${got}`);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);
    return { step: header.step, values, sha256: got, manifestSha256: header.manifestSha256, isHeld: () => true };
  } catch (error) {
    call.cancel();
    throw channel.failure('pullParameters', error);
  }
}

async function assemble(frames: AsyncIterable<unknown>, target: BlobAssemblerOptions): Promise<{ header: PullHeader__Output; bytes: Uint8Array }> {
  let header: PullHeader__Output | undefined;
  let blob: BlobAssembler | undefined;
  for await (const frame of frames as AsyncIterable<PullParametersReply__Output>) {
    if (frame.frame === 'header' && frame.header && header === undefined) {
      header = frame.header;
      blob = new BlobAssembler(wholeFloats(header.totalBytes), target);
    } else if (frame.frame === 'chunk' && frame.chunk && blob !== undefined) {
      blob.add(frame.chunk);
    } else {
      throw new BpttError('invalid-argument', `pull: expected one header and then chunks, got ${frame.frame ?? 'an unknown frame'} ${blob === undefined ? 'before' : 'after'} the header`);
    }
  }
  if (header === undefined || blob === undefined) throw new BpttError('invalid-argument', 'pull: expected a header, got an empty stream');
  return { header, bytes: blob.finish({ totalBytes: header.totalBytes, sha256: header.parametersSha256 }) };
}

function wholeFloats(bytes: number): number {
  if (bytes % Float32Array.BYTES_PER_ELEMENT !== 0) throw new BpttError('invalid-argument', `pull: expected a multiple of 4 bytes, got ${String(bytes)}`);
  return bytes;
}
