import { createHash } from 'node:crypto';
import { credentials, makeGenericClientConstructor, type ClientWritableStream } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clients, tensorChunks, type PullParametersReply__Output, type PushGradientReply__Output, type PushGradientRequest } from '@bptt/rpc';
import { ReferenceWorker, type PreparedPush } from './testing/reference-worker.js';
import { startTestServer, type TestServer } from './testing/test-server.js';

let test: TestServer;
let address = '';
let raw: InstanceType<typeof clients.parameterServer>;

beforeEach(async () => {
  test = await startTestServer();
  address = `127.0.0.1:${String((await test.server.listen('127.0.0.1:0')).port)}`;
  raw = new clients.parameterServer(address, credentials.createInsecure());
});

afterEach(async () => {
  raw.close();
  await test.close();
});

interface Answer {
  readonly outcome?: string;
  readonly code?: number;
  readonly details?: string;
}

/** Sends frames as they are, and ends the stream unless told not to. */
function send(frames: readonly PushGradientRequest[], after: (call: ClientWritableStream<PushGradientRequest>) => void = (call) => { call.end(); }): Promise<Answer> {
  return new Promise((resolve) => {
    const call = raw.pushGradient((error: { code: number; details: string } | null, reply?: PushGradientReply__Output) => {
      resolve(error === null ? { outcome: reply?.outcome ?? '' } : { code: error.code, details: error.details });
    });
    for (const frame of frames) call.write(frame);
    after(call);
  });
}

function framesOf({ header, payload }: PreparedPush): { header: PushGradientRequest; chunks: PushGradientRequest[]; commit: PushGradientRequest } {
  const sha256 = createHash('sha256').update(payload).digest();
  return { header: { header }, chunks: [...tensorChunks(payload)].map((chunk) => ({ chunk })), commit: { commit: { totalBytes: payload.byteLength, sha256 } } };
}

async function preparePush(): Promise<{ worker: ReferenceWorker; push: PreparedPush }> {
  const worker = await ReferenceWorker.join(test.connect(), test.config);
  const lease = await worker.lease();
  if (lease === undefined) throw new Error('expected a lease');
  return { worker, push: await worker.compute(lease) };
}

const INVALID_ARGUMENT = 3;
const DATA_LOSS = 15;

describe('PushGradient', () => {
  it('counts at its commit and not before: a stream that ends early, or is cancelled, changes nothing', async () => {
    const { worker, push } = await preparePush();
    const { header, chunks, commit } = framesOf(push);
    expect(await send([header, ...chunks])).toMatchObject({ code: DATA_LOSS, details: expect.stringContaining('ended before its commit') as string });
    expect(await send([header, ...chunks], (call) => { call.cancel(); })).toMatchObject({ code: 1 });
    expect((await worker.connection.getInfo()).step).toBe(0);
    expect(await send([header, ...chunks, commit])).toEqual({ outcome: 'PUSH_OUTCOME_COMMITTED' });
  });

  it('refuses frames that are damaged or out of order', async () => {
    const { push } = await preparePush();
    const { header, chunks, commit } = framesOf(push);
    const [chunk] = chunks;
    const sha256 = Buffer.alloc(32);
    expect(await send([commit])).toMatchObject({ code: INVALID_ARGUMENT, details: expect.stringContaining('header first') as string });
    expect(await send([header, header])).toMatchObject({ code: INVALID_ARGUMENT, details: expect.stringContaining('got two') as string });
    expect(await send([header, {}])).toMatchObject({ code: INVALID_ARGUMENT });
    expect(await send([header, commit])).toMatchObject({ code: INVALID_ARGUMENT });
    expect(await send([header, { chunk: { ...chunk.chunk, crc32: 1 } }])).toMatchObject({ code: DATA_LOSS });
    expect(await send([header, { chunk: { ...chunk.chunk, offset: 4 } }])).toMatchObject({ code: INVALID_ARGUMENT });
    expect(await send([header, ...chunks, { commit: { ...commit.commit, sha256 } }])).toMatchObject({ code: DATA_LOSS });
    expect(await send([header, ...chunks, { commit: { ...commit.commit, totalBytes: 4 } }])).toMatchObject({ code: INVALID_ARGUMENT });
    expect(await send([header, ...chunks, commit])).toEqual({ outcome: 'PUSH_OUTCOME_COMMITTED' });
  });

  it('takes only so many pushes of one worker at a time', async () => {
    const { push } = await preparePush();
    const { header } = framesOf(push);
    const calls: ClientWritableStream<PushGradientRequest>[] = [];
    const answers = Array.from({ length: 5 }, () => send([header], (call) => { calls.push(call); }));
    expect(await Promise.race(answers)).toMatchObject({ code: 8 });
    for (const call of calls) call.cancel();
    await Promise.all(answers);
  });
});

describe('PullParameters', () => {
  async function pull(request: Parameters<typeof raw.pullParameters>[0]): Promise<{ bytes: Buffer; header: PullParametersReply__Output['header']; commit: PullParametersReply__Output['commit'] }> {
    const call = raw.pullParameters(request);
    let header: PullParametersReply__Output['header'];
    let commit: PullParametersReply__Output['commit'];
    const parts: Buffer[] = [];
    for await (const frame of call as AsyncIterable<PullParametersReply__Output>) {
      if (frame.header) header = frame.header;
      if (frame.chunk) parts.push(frame.chunk.data);
      if (frame.commit) commit = frame.commit;
    }
    return { bytes: Buffer.concat(parts), header, commit };
  }

  it('sends ranges of the newest parameters, and the hash of all of them', async () => {
    const { runId } = test.server.info;
    const whole = await pull({ runId });
    expect(whole.header?.totalBytes).toBe(whole.bytes.length);
    const part = await pull({ runId, step: 0, ranges: [{ begin: 4, end: 12 }, { begin: 20, end: 21 }] });
    expect(part.bytes).toEqual(Buffer.concat([whole.bytes.subarray(4, 12), whole.bytes.subarray(20, 21)]));
    expect(part.commit).toEqual({ totalBytes: whole.bytes.length, sha256: createHash('sha256').update(whole.bytes).digest() });
  });

  it.each([
    ['descend', [{ begin: 8, end: 12 }, { begin: 0, end: 4 }]],
    ['go beyond the end', [{ begin: 0, end: 1e9 }]],
    ['end before they begin', [{ begin: 8, end: 4 }]],
  ])('refuses ranges that %s', async (_what, ranges) => {
    await expect(pull({ runId: test.server.info.runId, ranges })).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });
});

describe('the server', () => {
  it('answers health checks, with NOT_SERVING once the run is over', async () => {
    const Health = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health');
    const health = new Health(address, credentials.createInsecure());
    const check = (): Promise<unknown> => new Promise((resolve, reject) => {
      (health['check'] as (request: object, done: (error: Error | null, reply?: { status: unknown }) => void) => void).call(health, { service: 'bptt.v1.ParameterServer' }, (error, reply) => {
        if (error === null) resolve(reply?.status);
        else reject(error);
      });
    });
    expect(await check()).toBe('SERVING');
    await test.server.stop();
    expect(await check()).toBe('NOT_SERVING');
    health.close();
  });

  it('refuses an address that other machines can reach, and a port that is taken', async () => {
    await expect(test.server.listen('0.0.0.0:0')).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(test.server.listen(address)).rejects.toMatchObject({ code: 'already-exists' });
  });
});
