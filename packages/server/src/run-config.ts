import { createHash } from 'node:crypto';
import type { Clip, ExplosionPolicy, Initialization, ModelConfig, Objective, OptimizerConfig, Schedule } from '@bptt/core';
import { canonicalJson } from './canonical-json.js';

/** How a corpus was read. The encoded corpus has a hash of its own. */
export interface CorpusConfig {
  /** Where the text came from, for people; no part of a run's identity. */
  readonly source: string;
  /** `word`, `char` or `whitespace`. */
  readonly tokens: string;
  readonly lowercase: boolean;
  /** `auto` or `line`. */
  readonly sentences: string;
}

/** Everything that a run is asked to do. How long it runs and on how many workers is no part of it. */
export interface RunConfig {
  readonly model: ModelConfig;
  readonly initialization: Initialization;
  readonly seed: number;
  /** SHA-256, hex, of the parameters that the run starts from; not set where `initialization` draws them. */
  readonly initialParametersSha256?: string | undefined;
  readonly objective: Objective;
  /** Sequences of a global batch. */
  readonly batch: number;
  /** Microshards that a batch is cut into (K). */
  readonly microshards: number;
  readonly optimizer: OptimizerConfig;
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Steps over which the learning rate rises from zero. */
  readonly warmup: number;
  readonly clip: Clip;
  readonly explosion: ExplosionPolicy;
  /** Steps between validations; 0 validates at the end of each epoch. */
  readonly validEvery: number;
  /** Steps between checkpoints; 0 writes one at the end alone. */
  readonly checkpointEvery: number;
  readonly corpus: CorpusConfig;
}

/** What identifies a run: the same identity gives the same parameters, whoever computes them. Nested as in `RunConfig`. */
export function runIdentity(config: RunConfig, corpusHash: string, backendId: string): Record<string, unknown> {
  const { tokens, lowercase, sentences } = config.corpus;
  const identity: Record<string, unknown> = { ...config, corpus: { tokens, lowercase, sentences, hash: corpusHash }, backend: backendId };
  delete identity['checkpointEvery'];
  return identity;
}

/** SHA-256, hex, over the canonical JSON of `runIdentity`. Steps, workers, threads, `checkpointEvery` and `corpus.source` are not in it. */
export function runId(config: RunConfig, corpusHash: string, backendId: string): string {
  return createHash('sha256').update(canonicalJson(runIdentity(config, corpusHash, backendId))).digest('hex');
}
