import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countMicroshard, INITIALIZATION_DEFAULTS, OBJECTIVE_DEFAULTS, optimizerConfig, type Microshard } from '@bptt/core';
import { startParameterServer, type RunConfig, type RunData } from '@bptt/server';
import { startRawServer } from './raw-stream.js';
import { TRANSFER_BACKEND_ID, TRANSFER_MODEL, TRANSFER_WAYS, type TransferAddresses } from './transfer-setting.js';

/** More than any benchmark pushes. */
const STEPS = 1_000_000;
const WORD: Microshard = { index: 0, T: 1, B: 1, inputs: Int32Array.of(1), targets: Int32Array.of(2), sequences: Int32Array.of(0) };

const DATA: RunData = {
  hash: 'benchmark',
  stepsPerEpoch: STEPS,
  microshards: 1,
  batch: (step) => ({ epoch: 0, startsEpoch: step === 0, microshards: [WORD], counts: countMicroshard(WORD) }),
  evaluation: { count: 1, microshard: () => WORD },
};

const CONFIG: RunConfig = {
  model: TRANSFER_MODEL,
  initialization: INITIALIZATION_DEFAULTS,
  seed: 1,
  objective: OBJECTIVE_DEFAULTS,
  batch: 1,
  microshards: 1,
  optimizer: optimizerConfig('sgd'),
  learningRate: 0.001,
  schedule: { kind: 'constant' },
  warmup: 0,
  clip: { kind: 'none' },
  explosion: 'stop',
  validEvery: 0,
  checkpointEvery: 0,
  corpus: { source: 'benchmark', tokens: 'word', lowercase: false, sentences: 'auto' },
};

/** Starts the other end of the transfers: parameter servers with run folders that are removed at the end, and a raw stream. */
export async function startTransferServers(): Promise<{ readonly addresses: TransferAddresses; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'bptt-bench-'));
  const begun = await Promise.all(TRANSFER_WAYS.map(async (way) => {
    const server = await startParameterServer({
      config: CONFIG, data: DATA, vocabularyJson: [], runDirectory: join(folder, way), backendId: TRANSFER_BACKEND_ID, stepsTotal: STEPS, onEvent: () => undefined,
    });
    return { way, server, address: `127.0.0.1:${String((await server.listen('127.0.0.1:0')).port)}` };
  }));
  const raw = await startRawServer();
  return {
    addresses: { bptt: Object.fromEntries(begun.map(({ way, address }) => [way, address])) as TransferAddresses['bptt'], raw: raw.address },
    close: async () => {
      raw.close();
      await Promise.all(begun.map(({ server }) => server.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
