import { createHash } from 'node:crypto';
import type { ClientWritableStream } from '@grpc/grpc-js';
import type { Channel } from './channel.js';
import type { PushGradientReply__Output } from './gen/bptt/v1/PushGradientReply.js';
import type { PushGradientRequest } from './gen/bptt/v1/PushGradientRequest.js';
import type { PushHeader__Output } from './gen/bptt/v1/PushHeader.js';
import { tensorChunks } from './tensor-codec.js';

/** Called when a chunk was handed to the transport, before the server has it; the push goes on when the promise settles. */
export type AfterChunk = (sentBytes: number) => Promise<void>;

export interface GradientPush {
  readonly header: PushHeader__Output;
  /** Must not change until the push settles. */
  readonly payload: Uint8Array;
  readonly afterChunk?: AfterChunk | undefined;
}

type PushCall = ClientWritableStream<PushGradientRequest>;

/**
 * Sends header, chunks and commit, each frame when the one before has left, so that a slow server slows its client. The server may
 * answer at any time, for instance that the step is over: then nothing more is sent.
 */
export async function pushGradient(channel: Channel, push: GradientPush): Promise<PushGradientReply__Output> {
  let call: PushCall | undefined;
  const reply = channel.answer<PushGradientReply__Output>('pushGradient', (options, callback) => {
    call = channel.parameterServer.pushGradient(options, callback);
    return call;
  });
  if (call === undefined) return reply;
  const answered = reply.then(() => true, () => true);
  try {
    await sendFrames(call, push, answered);
  } catch (error) {
    // Without this the server would wait for a commit that never comes.
    call.cancel();
    await answered;
    throw channel.failure('pushGradient', error);
  }
  return reply;
}

async function sendFrames(call: PushCall, { header, payload, afterChunk }: GradientPush, answered: Promise<boolean>): Promise<void> {
  const hash = createHash('sha256');
  if (await ended(write({ header, frame: 'header' }))) return;
  for (const chunk of tensorChunks(payload)) {
    hash.update(chunk.data);
    if (await ended(write({ chunk, frame: 'chunk' }))) return;
    if (afterChunk !== undefined && (await ended(afterChunk(chunk.offset + chunk.data.byteLength)))) return;
  }
  if (await ended(write({ commit: { totalBytes: payload.byteLength, sha256: hash.digest() }, frame: 'commit' }))) return;
  call.end();

  function write(frame: PushGradientRequest): Promise<void> {
    return new Promise((resolve) => {
      // Called when the transport has taken the frame. A call that ends never does so, hence the race.
      call.write(frame, () => {
        resolve();
      });
    });
  }

  async function ended(sent: Promise<void>): Promise<boolean> {
    return Promise.race([answered, sent.then(() => false)]);
  }
}
