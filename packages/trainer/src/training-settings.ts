import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import {
  assertLegal, BpttError, EXPLOSION_POLICIES, LEARNING_RATES, optimizerConfig, OPTIMIZERS, parseBetas, parseSchedule, SIZE_MAX, VOCABULARY_MIN, type Clip, type OptimizerConfig,
} from '@bptt/core';
import type { SentenceRule, TokenKind } from '@bptt/data';
import type { RunConfig } from '@bptt/server';
import type { BackendDevice, BackendName } from '@bptt/worker';
import { z } from 'zod';
import { initializationOf, initializationShape, modelOf, modelShape, objectiveOf, objectiveShape } from './model-settings.js';
import { onOff, oneOf, parseSettings, realNumber, text, textRead, wholeNumber } from './settings-schema.js';

// The lists of heavier packages, written again so that `--help` and a bad option need not load those. The compiler compares them.
const TOKEN_KINDS = ['word', 'char', 'whitespace'] as const satisfies readonly TokenKind[];
const SENTENCE_RULES = ['auto', 'line'] as const satisfies readonly SentenceRule[];
export const BACKENDS = ['auto', 'reference', 'simd', 'simd-relaxed', 'blas', 'gpu'] as const satisfies readonly BackendName[];
const BACKEND_DEVICES = ['webasm', 'cpu', 'webgpu'] as const satisfies readonly BackendDevice[];

/** What the backend `gpu` computes on. */
export const deviceSetting = oneOf(BACKEND_DEVICES).optional().meta({ flags: '--device <kind>', help: 'what the backend gpu computes on: webasm, cpu or webgpu', defaultText: 'webgpu where this machine has a graphics processor, else webasm' });

const STEPS_MAX = 1_000_000_000;
const CORES = availableParallelism();
/** Microshards of a batch unless set: a constant, so that neither cores nor workers change the outcome. */
const MICROSHARDS_DEFAULT = 8;
/** Largest global norm of a gradient unless set. */
const CLIP_DEFAULT = 1;
const DATASET_PREFIX = 'dataset:';

/** Every setting of a training run. Keys are those of a configuration file. */
export const trainingSchema = z.strictObject({
  run: text('a folder').optional().meta({ flags: '--run <dir>', help: 'folder of the run', defaultText: 'runs/<name of the corpus>' }),
  ...modelShape,
  vocabulary: wholeNumber(VOCABULARY_MIN, SIZE_MAX).default(8000).meta({ flags: '--vocabulary <words>', help: 'most words that are kept, the most frequent ones, three special tokens included' }),
  tokens: oneOf(TOKEN_KINDS).default('word').meta({ flags: '--tokens <kind>', help: 'what a token is: word, char or whitespace (text that is tokenised already, one sentence a line)' }),
  lowercase: onOff().default(true).meta({ flags: '--lowercase', help: 'make letters lower-case' }),
  sentences: oneOf(SENTENCE_RULES).default('auto').meta({ flags: '--sentences <rule>', help: 'what a sentence is: auto (found in running text) or line' }),
  ...objectiveShape,
  ...initializationShape,
  batch: wholeNumber(1, 1 << 20).default(32).meta({ flags: '--batch <sequences>', help: 'sentences of a batch, or lanes of text with chunk:k' }),
  microshards: wholeNumber(1, 1 << 16).optional().meta({ flags: '--microshards <count>', help: 'parts that a batch is computed in', defaultText: `${String(MICROSHARDS_DEFAULT)}, or the batch where that is less` }),
  optimizer: oneOf(OPTIMIZERS).default('sgd').meta({ flags: '--optimizer <name>', help: `rule of descent: ${OPTIMIZERS.slice(0, -1).join(', ')} or asgd (sgd, then an average of its iterates: NT-ASGD)` }),
  lr: realNumber(0, 1e6, { above: true }).optional().meta({ flags: '--lr <rate>', help: 'learning rate', defaultText: '1 for sgd and asgd, 0.1 for momentum and nesterov, 0.01 for adagrad and rmsprop, 0.001 for adam and adamw' }),
  momentum: realNumber(0, 1).optional().meta({ flags: '--momentum <share>', help: 'share of the velocity that momentum and nesterov keep', defaultText: '0.9' }),
  betas: textRead(parseBetas, 'two numbers first,second').optional().meta({ flags: '--betas <first,second>', help: 'shares of the moments that adam and adamw keep', defaultText: '0.9,0.999' }),
  alpha: realNumber(0, 1).optional().meta({ flags: '--alpha <share>', help: 'share of the mean square that rmsprop keeps', defaultText: '0.99' }),
  epsilon: realNumber(0, 1, { above: true }).optional().meta({ flags: '--epsilon <number>', help: 'what adagrad, rmsprop, adam and adamw add to the root they divide by', defaultText: '1e-8, of adagrad 1e-10' }),
  nonmono: wholeNumber(1, 1_000_000).optional().meta({ flags: '--nonmono <validations>', help: 'validations without improvement after which asgd begins to average', defaultText: '5' }),
  l2: realNumber(0, 1e6).optional().meta({ flags: '--l2 <factor>', help: 'coupled decay: adds so many times the parameters to the gradient, after clipping', defaultText: '0' }),
  weightDecay: realNumber(0, 1e6).optional().meta({ flags: '--weight-decay <factor>', help: 'decoupled decay: takes learning rate times so many times the parameters from them', defaultText: '0, of adamw 0.01' }),
  schedule: textRead(parseSchedule, 'constant, plateau:factor, decay:epoch:factor or cosine:steps[:floor]').default({ kind: 'constant' })
    .meta({ flags: '--schedule <rule>', help: 'learning rate: constant, plateau:factor (divided where a validation does not improve, and the best parameters restored), decay:epoch:factor (multiplied in each epoch after that one) or cosine:steps[:floor]', defaultText: 'constant' }),
  warmup: wholeNumber(0, STEPS_MAX).default(0).meta({ flags: '--warmup <steps>', help: 'steps over which the learning rate rises from zero, whatever the schedule' }),
  clip: realNumber(0, 1e9).optional().meta({ flags: '--clip <norm>', help: 'largest global norm of a gradient; 0 clips nothing', defaultText: '1, or 0 with --clip-value' }),
  clipValue: realNumber(0, 1e9, { above: true }).optional().meta({ flags: '--clip-value <limit>', help: 'largest absolute value of each element of a gradient, instead of --clip', defaultText: 'none' }),
  explosion: oneOf(EXPLOSION_POLICIES).default('skip').meta({ flags: '--explosion <policy>', help: 'what follows a gradient that is not finite: skip, stop or shrink' }),
  epochs: wholeNumber(1, 1_000_000).default(5).meta({ flags: '--epochs <count>', help: 'passes through the training text' }),
  steps: wholeNumber(1, STEPS_MAX).optional().meta({ flags: '--steps <count>', help: 'steps of the run, those before --resume included; instead of --epochs', defaultText: 'as many as --epochs has' }),
  validEvery: wholeNumber(0, STEPS_MAX).default(0).meta({ flags: '--valid-every <steps>', help: 'steps between validations; 0 validates at the end of every epoch' }),
  patience: wholeNumber(0, 1_000_000).default(0).meta({ flags: '--patience <validations>', help: 'validations without improvement after which the run ends; 0 means never' }),
  initFrom: text('a run folder or a .safetensors file').optional().meta({ flags: '--init-from <run or file>', help: 'start from the parameters of another run with the same vocabulary, or of a .safetensors file', defaultText: 'none: drawn by the seed' }),
  checkpointEvery: wholeNumber(0, STEPS_MAX).default(1000).meta({ flags: '--checkpoint-every <steps>', help: 'steps between checkpoints; 0 writes one at the end alone' }),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1).meta({ flags: '--seed <number>', help: 'seed of everything that is random' }),
  threads: wholeNumber(1, 1024).optional().meta({ flags: '--threads <count>', help: 'compute threads of a worker', defaultText: 'cores / workers' }),
  backend: oneOf(BACKENDS).default('auto').meta({ flags: '--backend <name>', help: 'what computes: auto (the fastest here), reference, simd, simd-relaxed, blas or gpu' }),
  device: deviceSetting,
  samples: wholeNumber(0, 1000).default(0).meta({ flags: '--samples <count>', help: 'sentences that are sampled at the end' }),
  cache: text('a folder').default('.bptt-cache').meta({ flags: '--cache <dir>', help: 'folder of encoded corpora' }),
});
export type TrainingSettings = z.output<typeof trainingSchema>;

/**
 * The settings of a run: those given, defaults for the rest.
 * @throws BpttError `invalid-argument` for an unknown key or bad value: `key: expected ..., got ...`
 */
export function trainingSettings(given: Readonly<Record<string, unknown>>): TrainingSettings {
  const settings = parseSettings(trainingSchema, given);
  const microshards = microshardsOf(settings);
  if (microshards > settings.batch) {
    throw new BpttError('invalid-argument', `microshards: expected at most the batch (${String(settings.batch)}), got ${String(microshards)}`);
  }
  assertLegal({
    model: modelOf(settings), objective: objectiveOf(settings), initialization: initializationOf(settings), optimizer: optimizerOf(settings), schedule: settings.schedule,
  });
  if (settings.clip !== undefined && settings.clip > 0 && settings.clipValue !== undefined) {
    throw new BpttError('invalid-argument', `clipValue: expected either --clip or --clip-value, got --clip ${String(settings.clip)} and --clip-value ${String(settings.clipValue)}`);
  }
  return settings;
}

/**
 * The optimiser that settings describe.
 * @throws BpttError `invalid-argument` for a setting that it does not have, or a value out of range
 */
function optimizerOf({ optimizer, momentum, betas, alpha, epsilon, nonmono, l2, weightDecay }: TrainingSettings): OptimizerConfig {
  return optimizerConfig(optimizer, { momentum, betas, alpha, epsilon, nonmono, l2, weightDecay });
}

function clipOf({ clip = CLIP_DEFAULT, clipValue }: TrainingSettings): Clip {
  if (clipValue !== undefined) return { kind: 'value', threshold: clipValue };
  return clip === 0 ? { kind: 'none' } : { kind: 'norm', threshold: clip };
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

/**
 * What the server is asked to do.
 * @param initialParametersSha256 of what the run starts from, where that is not drawn
 */
export function runConfigOf(settings: TrainingSettings, corpus: string, initialParametersSha256?: string): RunConfig {
  const { seed, batch, schedule, warmup, explosion, validEvery, checkpointEvery, tokens, lowercase, sentences } = settings;
  return {
    model: modelOf(settings), initialization: initializationOf(settings), seed, ...(initialParametersSha256 !== undefined && { initialParametersSha256 }),
    objective: objectiveOf(settings), batch, microshards: microshardsOf(settings),
    optimizer: optimizerOf(settings), learningRate: settings.lr ?? LEARNING_RATES[settings.optimizer], schedule, warmup, clip: clipOf(settings), explosion,
    validEvery, checkpointEvery, corpus: { source: corpus, tokens, lowercase, sentences },
  };
}
