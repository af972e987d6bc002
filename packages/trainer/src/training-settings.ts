import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import { ACTIVATIONS, assertLegalModel, BpttError, CELLS, EXPLOSION_POLICIES, INPUTS, parseTruncation, REDUCTIONS, SCHEDULES, type ModelConfig } from '@bptt/core';
import type { SentenceRule, TokenKind } from '@bptt/data';
import type { RunConfig } from '@bptt/server';
import type { BackendName } from '@bptt/worker';
import { z } from 'zod';
import { onOff, oneOf, parseSettings, realNumber, text, textRead, wholeNumber } from './settings-schema.js';

// The lists of heavier packages, written again so that `--help` and a bad option need not load those. The compiler compares them.
const TOKEN_KINDS = ['word', 'char', 'whitespace'] as const satisfies readonly TokenKind[];
const SENTENCE_RULES = ['auto', 'line'] as const satisfies readonly SentenceRule[];
export const BACKENDS = ['auto', 'reference', 'simd', 'gpu'] as const satisfies readonly BackendName[];

const SIZE_MAX = 1 << 24;
const STEPS_MAX = 1_000_000_000;
const CORES = availableParallelism();
/** Microshards of a batch unless set: a constant, so that neither cores nor workers change the outcome. */
const MICROSHARDS_DEFAULT = 8;
const DATASET_PREFIX = 'dataset:';

/** Settings that fix the model. */
export const modelShape = {
  cell: oneOf(CELLS).default('rnn').meta({ flags: '--cell <name>', help: 'recurrent cell: rnn' }),
  activation: oneOf(ACTIVATIONS).default('tanh').meta({ flags: '--activation <name>', help: 'nonlinearity of the cell: tanh, relu or sigmoid' }),
  hidden: wholeNumber(1, SIZE_MAX).default(128).meta({ flags: '--hidden <units>', help: 'hidden units of a layer' }),
  layers: wholeNumber(1, 64).default(1).meta({ flags: '--layers <count>', help: 'recurrent layers' }),
  input: oneOf(INPUTS).default('onehot').meta({ flags: '--input <kind>', help: 'how a word enters: onehot or embedding' }),
  embedding: wholeNumber(1, SIZE_MAX).default(128).meta({ flags: '--embedding <width>', help: 'width of the embedding, with --input embedding' }),
  biases: onOff().default(true).meta({ flags: '--biases', help: 'biases in cell and output layer' }),
};

/** Every setting of a training run. Keys are those of a configuration file. */
export const trainingSchema = z.strictObject({
  run: text('a folder').optional().meta({ flags: '--run <dir>', help: 'folder of the run', defaultText: 'runs/<name of the corpus>' }),
  ...modelShape,
  vocabulary: wholeNumber(4, SIZE_MAX).default(8000).meta({ flags: '--vocabulary <words>', help: 'most frequent words that are kept, three special tokens included' }),
  tokens: oneOf(TOKEN_KINDS).default('word').meta({ flags: '--tokens <kind>', help: 'what a token is: word, char or whitespace (text that is tokenised already, one sentence a line)' }),
  lowercase: onOff().default(true).meta({ flags: '--lowercase', help: 'make letters lower-case' }),
  sentences: oneOf(SENTENCE_RULES).default('auto').meta({ flags: '--sentences <rule>', help: 'what a sentence is: auto (found in running text) or line' }),
  truncation: textRead(parseTruncation, 'full, window:k or chunk:k').default({ kind: 'full' })
    .meta({ flags: '--truncation <rule>', help: 'how far back in time an error flows: full, window:k (at most k steps) or chunk:k (continuous text, k tokens a step)', defaultText: 'full' }),
  reduction: oneOf(REDUCTIONS).default('tokenMean').meta({ flags: '--reduction <kind>', help: 'loss of a batch: tokenMean or sentenceSum' }),
  batch: wholeNumber(1, 1 << 20).default(32).meta({ flags: '--batch <sequences>', help: 'sentences of a batch, or lanes of text with chunk:k' }),
  microshards: wholeNumber(1, 1 << 16).optional().meta({ flags: '--microshards <count>', help: 'parts that a batch is computed in', defaultText: `${String(MICROSHARDS_DEFAULT)}, or the batch where that is less` }),
  lr: realNumber(0, 1e6, { above: true }).default(1).meta({ flags: '--lr <rate>', help: 'learning rate' }),
  schedule: oneOf(SCHEDULES).default('constant').meta({ flags: '--schedule <name>', help: 'how the learning rate changes: constant or halve-on-plateau' }),
  clip: realNumber(0, 1e9).default(1).meta({ flags: '--clip <norm>', help: 'largest global norm of a gradient; 0 clips nothing' }),
  explosion: oneOf(EXPLOSION_POLICIES).default('skip').meta({ flags: '--explosion <policy>', help: 'what follows a gradient that is not finite: skip, stop or shrink' }),
  epochs: wholeNumber(1, 1_000_000).default(5).meta({ flags: '--epochs <count>', help: 'passes through the training text' }),
  steps: wholeNumber(1, STEPS_MAX).optional().meta({ flags: '--steps <count>', help: 'steps of the run, those before --resume included; instead of --epochs', defaultText: 'as many as --epochs has' }),
  validEvery: wholeNumber(0, STEPS_MAX).default(0).meta({ flags: '--valid-every <steps>', help: 'steps between validations; 0 validates at the end of every epoch' }),
  checkpointEvery: wholeNumber(0, STEPS_MAX).default(1000).meta({ flags: '--checkpoint-every <steps>', help: 'steps between checkpoints; 0 writes one at the end alone' }),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1).meta({ flags: '--seed <number>', help: 'seed of everything that is random' }),
  threads: wholeNumber(1, 1024).optional().meta({ flags: '--threads <count>', help: 'compute threads of a worker', defaultText: 'cores / workers' }),
  backend: oneOf(BACKENDS).default('auto').meta({ flags: '--backend <name>', help: 'what computes: auto (the fastest here), reference, simd or gpu' }),
  samples: wholeNumber(0, 1000).default(0).meta({ flags: '--samples <count>', help: 'sentences that are sampled at the end' }),
  cache: text('a folder').default('.bptt-cache').meta({ flags: '--cache <dir>', help: 'folder of encoded corpora' }),
});
export type TrainingSettings = z.output<typeof trainingSchema>;

/**
 * The settings of a run: `given` over `file`, defaults for the rest.
 * @throws BpttError `invalid-argument` for an unknown key or bad value: `key: expected ..., got ...`
 */
export function trainingSettings(given: Readonly<Record<string, unknown>>, file: Readonly<Record<string, unknown>> = {}): TrainingSettings {
  const settings = parseSettings(trainingSchema, given, file);
  const microshards = microshardsOf(settings);
  if (microshards > settings.batch) {
    throw new BpttError('invalid-argument', `microshards: expected at most the batch (${String(settings.batch)}), got ${String(microshards)}`);
  }
  assertLegalModel(modelOf(settings));
  return settings;
}

/** The model that settings describe. */
export function modelOf({ cell, activation, biases, input, vocabulary, embedding, hidden, layers }: ModelConfig): ModelConfig {
  return { cell, activation, biases, input, vocabulary, embedding, hidden, layers };
}

/** Microshards of a batch (K). */
export function microshardsOf({ microshards, batch }: Pick<TrainingSettings, 'microshards' | 'batch'>): number {
  return microshards ?? Math.min(MICROSHARDS_DEFAULT, batch);
}

/** Compute threads of each of `workers` worker processes on this machine. */
export function threadsOf(threads: number | undefined, workers: number): number {
  return threads ?? Math.max(1, Math.floor(CORES / workers));
}

/** Folder of a run: the one asked for, or `runs/` with the name of the corpus. */
export function runDirectoryOf({ run }: Pick<TrainingSettings, 'run'>, corpus: string): string {
  if (run !== undefined) return run;
  const name = corpus.startsWith(DATASET_PREFIX) ? corpus.slice(DATASET_PREFIX.length) : basename(corpus, extname(corpus));
  return join('runs', name.replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'corpus');
}

/** What the server is asked to do. */
export function runConfigOf(settings: TrainingSettings, corpus: string): RunConfig {
  const { seed, truncation, reduction, batch, schedule, clip, explosion, validEvery, checkpointEvery, tokens, lowercase, sentences } = settings;
  return {
    model: modelOf(settings), init: 'uniformFanIn', seed, truncation, reduction, batch, microshards: microshardsOf(settings),
    learningRate: settings.lr, schedule, clip, explosion, validEvery, checkpointEvery, corpus: { source: corpus, tokens, lowercase, sentences },
  };
}
