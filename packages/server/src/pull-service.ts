import type { ServerWritableStream } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';
import { bytesOf, tensorChunks, toServiceError, type BlobRange, type ByteRange__Output, type PullParametersReply, type PullParametersRequest__Output } from '@bptt/rpc';
import type { Endpoint, HeldParameters } from './endpoint.js';

/** Ranges that one pull may ask for. */
export const PULL_RANGES_MAX = 65_536;
/** Chunks of one pull that are encoded and not yet taken by the connection. */
const FRAMES_UNDER_WAY_MAX = 4;
/** Longest time that a pull takes. */
export const PULL_MS_MAX = 120_000;

type PullCall = ServerWritableStream<PullParametersRequest__Output, PullParametersReply>;

/** Answers a pull: a header, chunks straight from the shared memory in which the parameters lie, and the hash, which is computed meanwhile. */
export async function servePull(endpoint: Endpoint, call: PullCall): Promise<void> {
  const stopped = new AbortController();
  const patience = setTimeout(() => { stopped.abort(new BpttError('deadline-exceeded', `pull: not done within ${String(PULL_MS_MAX)} ms`)); }, PULL_MS_MAX);
  call.on('cancelled', () => { stopped.abort(new BpttError('cancelled', 'pull: cancelled')); });
  try {
    await sendAll(endpoint, call, stopped.signal);
    call.end();
  } catch (error) {
    call.emit('error', toServiceError(error));
  } finally {
    clearTimeout(patience);
  }
}

async function sendAll(endpoint: Endpoint, call: PullCall, signal: AbortSignal): Promise<void> {
  const { runId, step, parametersVersion, ranges } = call.request;
  const held = endpoint.parameters(runId, { step, version: parametersVersion });
  const bytes = bytesOf(held.values);
  const manifest = endpoint.getInfo().manifest;
  const header = { step: held.step, totalBytes: bytes.byteLength, manifestSha256: manifest?.sha256 ?? Buffer.alloc(0), parametersVersion: held.version };
  const hash = held.sha256();
  // A pull that ends before its commit does not wait for it.
  hash.catch(() => undefined);
  const asked = ranges.length === 0 ? [{ begin: 0, end: bytes.byteLength }] : checkRanges(ranges, bytes.byteLength);
  await send(call, { header, frame: 'header' }, signal);
  // Several frames are on their way at once, so that the connection need not wait for the next one to be encoded.
  const underWay: Promise<void>[] = [];
  for (const range of asked) {
    for (const chunk of tensorChunks(bytes, range)) {
      assertHeld(held);
      // The chunk is encoded, hence copied, before this call of write returns.
      const sent = send(call, { chunk, frame: 'chunk' }, signal);
      // Where one fails all fail, and only the first is waited for.
      sent.catch(() => undefined);
      underWay.push(sent);
      if (underWay.length > FRAMES_UNDER_WAY_MAX) await underWay.shift();
    }
  }
  await Promise.all(underWay);
  await send(call, { commit: { totalBytes: bytes.byteLength, sha256: Buffer.from(await hash, 'hex') }, frame: 'commit' }, signal);
}

function assertHeld(held: HeldParameters): void {
  if (!held.isHeld()) throw new BpttError('aborted', `parameters of version ${String(held.version)}, step ${String(held.step)}, are no longer held`);
}

function checkRanges(ranges: readonly ByteRange__Output[], totalBytes: number): readonly BlobRange[] {
  if (ranges.length > PULL_RANGES_MAX) throw new BpttError('invalid-argument', `ranges: expected at most ${String(PULL_RANGES_MAX)}, got ${String(ranges.length)}`);
  let last = 0;
  for (const { begin, end } of ranges) {
    if (!(begin >= last && begin <= end && end <= totalBytes)) {
      throw new BpttError('invalid-argument', `ranges: expected ascending ranges within ${String(totalBytes)} bytes, got [${String(begin)}, ${String(end)}) after byte ${String(last)}`);
    }
    last = end;
  }
  return ranges;
}

function send(call: PullCall, frame: PullParametersReply, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => { reject(signal.reason as Error); };
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop, { once: true });
    call.write(frame, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
  });
}
