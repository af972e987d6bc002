import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INITIALIZATION_DEFAULTS, MODEL_DEFAULTS, OBJECTIVE_DEFAULTS, optimizerConfig, type ModelConfig } from '@bptt/core';
import { memorySplit } from '@bptt/data';
import { connect } from '@bptt/rpc';
import { corpusRunData, startParameterServer, type ParameterServer, type RunConfig, type RunData, type RunEvent, type ServerTiming } from '@bptt/server';
import { runWorker } from '@bptt/worker';

const VOCABULARY = 40;

/** A tanh model small enough that a step takes milliseconds. */
export const SMALL_MODEL: ModelConfig = { ...MODEL_DEFAULTS, vocabulary: VOCABULARY, hidden: [16] };

export function runConfig(changes: Partial<RunConfig> = {}): RunConfig {
  return {
    model: SMALL_MODEL,
    initialization: INITIALIZATION_DEFAULTS,
    seed: 1,
    objective: OBJECTIVE_DEFAULTS,
    batch: 16,
    microshards: 8,
    optimizer: optimizerConfig('sgd'),
    learningRate: 0.5,
    schedule: { kind: 'constant' },
    warmup: 0,
    clip: { kind: 'norm', threshold: 1 },
    explosion: 'skip',
    validEvery: 0,
    checkpointEvery: 0,
    corpus: { source: 'test', tokens: 'word', lowercase: true, sentences: 'line' },
    ...changes,
  };
}

/** Sentences made by a rule that a recurrent network can learn: each word follows from the one before. */
export function testData(config: RunConfig): RunData {
  const sentences = Array.from({ length: 120 }, (_, i) => {
    const words = Array.from({ length: 3 + (i % 9) }, (_, t) => 3 + ((i * 7 + t * t) % (VOCABULARY - 3)));
    return Int32Array.of(0, ...words, 1);
  });
  return corpusRunData({ hash: 'test', train: memorySplit(sentences.slice(0, 100)), valid: memorySplit(sentences.slice(100)) }, config);
}

export interface TestServer {
  readonly server: ParameterServer;
  readonly address: string;
  readonly events: RunEvent[];
  /** Resolves with the next event of that name, also where it has come before. */
  waitFor<E extends RunEvent['event']>(name: E): Promise<Extract<RunEvent, { event: E }>>;
  stop(): Promise<void>;
}

export interface TestServerOptions {
  readonly steps: number;
  readonly config?: RunConfig;
  readonly timing?: ServerTiming;
  /** Default `simd/3`. */
  readonly backendId?: string;
}

/** A parameter server in this process, listening on a free loopback port, with its run folder in a temporary place. */
export async function startTestServer({ steps, config = runConfig(), timing = {}, backendId = 'simd/3' }: TestServerOptions): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'bptt-test-'));
  const events: RunEvent[] = [];
  const listeners = new Set<() => void>();
  const server = await startParameterServer({
    config,
    data: testData(config),
    vocabularyJson: {},
    runDirectory: join(directory, 'run'),
    backendId,
    stepsTotal: steps,
    timing,
    onEvent: (event) => {
      events.push(event);
      for (const listener of listeners) listener();
    },
  });
  const { port } = await server.listen('127.0.0.1:0');
  return {
    server,
    address: `127.0.0.1:${String(port)}`,
    events,
    waitFor: (name) => new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(({ event }) => event === name);
        if (found === undefined) return;
        listeners.delete(look);
        resolve(found as never);
      };
      listeners.add(look);
      look();
    }),
    async stop() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A worker in this process, over gRPC. */
export async function runTestWorker(address: string, { threads = 1, signal = new AbortController().signal }: { threads?: number; signal?: AbortSignal } = {}): Promise<void> {
  const connection = connect(address);
  try {
    await runWorker({ connection, threads, name: 'test worker', signal, onEvent: () => undefined });
  } finally {
    connection.close();
  }
}

/** The hash that an undisturbed run of `steps` steps ends with. */
export async function undisturbedSha256(steps: number, config = runConfig()): Promise<string> {
  const test = await startTestServer({ steps, config });
  try {
    await runTestWorker(test.address);
    const result = await test.server.finished;
    return result.parametersSha256;
  } finally {
    await test.stop();
  }
}
