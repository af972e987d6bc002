import { once } from 'node:events';
import { Client, credentials, Server, type ServerReadableStream, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js';
import { CLIENT_OPTIONS, listen, SERVER_OPTIONS } from '@bptt/rpc';
import type { Contender } from './contender.js';

/*
 * The floor that a protocol stands on: streams of chunks without tensors, hashes or commits, with the windows that bptt sets. A message is a
 * chunk as it is; a request for a pull is the number of bytes as text.
 */

/** Bytes of a chunk, the largest that bptt sends. */
export const CHUNK_BYTES = 1024 * 1024;
const PUSH_PATH = '/bptt.bench.RawStream/Push';
const PULL_PATH = '/bptt.bench.RawStream/Pull';
/** Longest that one transfer may take. */
const TRANSFER_TIMEOUT_MS = 60_000;
const asIs = (bytes: Buffer): Buffer => bytes;
const METHOD = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs };

/** Serves raw streams on a free port. */
export async function startRawServer(): Promise<{ readonly address: string; close(): void }> {
  const server = new Server(SERVER_OPTIONS);
  server.addService(
    { push: { ...METHOD, path: PUSH_PATH, requestStream: true, responseStream: false }, pull: { ...METHOD, path: PULL_PATH, requestStream: false, responseStream: true } },
    { push: receive, pull: (call: ServerWritableStream<Buffer, Buffer>) => void send(call) },
  );
  const { address } = await listen(server, '127.0.0.1:0');
  return {
    address,
    close: () => {
      server.forceShutdown();
    },
  };
}

function receive(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
  let bytes = 0;
  call.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
  });
  call.on('end', () => {
    done(null, Buffer.from(String(bytes)));
  });
}

async function send(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  for (const chunk of chunksOf(Buffer.alloc(Number(call.request.toString())))) {
    if (!call.write(chunk)) await once(call, 'drain');
  }
  call.end();
}

function chunksOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.byteLength / CHUNK_BYTES) }, (_, i) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
}

/** Streams of `bytes` bytes to the raw server at `address` and from it. */
export function rawContenders(address: string, bytes: number): { readonly push: Contender; readonly pull: Contender } {
  const client = new Client(address, credentials.createInsecure(), CLIENT_OPTIONS);
  const chunks = chunksOf(Buffer.alloc(bytes, 1));
  const contender = (name: string, transfer: () => Promise<number>): Contender => ({
    name,
    executes: 'grpc-js stream',
    pids: [],
    async step() {
      const begin = performance.now();
      const arrived = await transfer();
      if (arrived !== bytes) throw new Error(`${name}: expected ${String(bytes)} bytes, got ${String(arrived)}`);
      return performance.now() - begin;
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  });
  return { push: contender('raw push', () => pushRaw(client, chunks)), pull: contender('raw pull', () => pullRaw(client, bytes)) };
}

async function pushRaw(client: Client, chunks: readonly Buffer[]): Promise<number> {
  let answer: (reply: Promise<number>) => void = () => undefined;
  const arrived = new Promise<number>((resolve) => {
    answer = resolve;
  });
  const call = client.makeClientStreamRequest(PUSH_PATH, asIs, asIs, { deadline: Date.now() + TRANSFER_TIMEOUT_MS }, (error, reply) => {
    answer(error === null ? Promise.resolve(Number(String(reply))) : Promise.reject(error));
  });
  for (const chunk of chunks) {
    if (!call.write(chunk)) await Promise.race([once(call, 'drain'), arrived]);
  }
  call.end();
  return arrived;
}

async function pullRaw(client: Client, bytes: number): Promise<number> {
  const call = client.makeServerStreamRequest(PULL_PATH, asIs, asIs, Buffer.from(String(bytes)), { deadline: Date.now() + TRANSFER_TIMEOUT_MS });
  let arrived = 0;
  for await (const chunk of call as AsyncIterable<Buffer>) arrived += chunk.byteLength;
  return arrived;
}
