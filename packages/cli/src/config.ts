import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import {
  ACTIVATIONS, assertLegalModel, BpttError, CELLS, EXPLOSION_POLICIES, formatSchedule, formatTruncation, INPUTS, LEARNING_RATES, optimizerConfig, OPTIMIZERS, parseBetas, parseSchedule,
  parseTruncation, REDUCTIONS, type Clip, type ModelConfig, type OptimizerConfig, type Schedule, type Truncation,
} from '@bptt/core';
import type { SentenceRule, TokenKind } from '@bptt/data';
import type { RunConfig } from '@bptt/server';
import type { BackendName } from '@bptt/worker';
import { z } from 'zod';
import { onOff, oneOf, parseSettings, realNumber, text, textRead, wholeNumber } from './settings-schema.js';

// The lists of heavier packages, written again so that `--help` and a bad option need not load those. The compiler compares them.
const TOKEN_KINDS = ['word', 'char', 'whitespace'] as const satisfies readonly TokenKind[];
const SENTENCE_RULES = ['auto', 'line'] as const satisfies readonly SentenceRule[];
const BACKENDS = ['auto', 'reference', 'simd', 'gpu'] as const satisfies readonly BackendName[];

const SIZE_MAX = 1 << 24;
const STEPS_MAX = 1_000_000_000;
const CORES = availableParallelism();
/** Microshards of a batch unless set: a constant, so that neither cores nor workers change the outcome. */
const MICROSHARDS_DEFAULT = 8;
const DATASET_PREFIX = 'dataset:';
/** Largest global norm of a gradient unless set. */
const CLIP_DEFAULT = 1;

/** Settings that fix the model. */
const modelShape = {
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
  backend: oneOf(BACKENDS).default('auto').meta({ flags: '--backend <name>', help: 'what computes: auto (the fastest here), reference, simd or gpu' }),
  samples: wholeNumber(0, 1000).default(0).meta({ flags: '--samples <count>', help: 'sentences that are sampled at the end' }),
  cache: text('a folder').default('.bptt-cache').meta({ flags: '--cache <dir>', help: 'folder of encoded corpora' }),
});
export type TrainingSettings = z.output<typeof trainingSchema>;

/** Settings that fix the model that `gradcheck` makes, small unless asked otherwise. */
export const gradcheckSchema = z.strictObject({
  ...modelShape,
  hidden: wholeNumber(1, 256).default(5).meta(modelShape.hidden.meta() ?? {}),
  embedding: wholeNumber(1, 256).default(4).meta(modelShape.embedding.meta() ?? {}),
  vocabulary: wholeNumber(4, 1000).default(9).meta({ flags: '--vocabulary <words>', help: 'words of the model' }),
  length: wholeNumber(1, 200).default(7).meta({ flags: '--length <steps>', help: 'time steps of the longest sequence' }),
  batch: wholeNumber(1, 16).default(3).meta({ flags: '--batch <sequences>', help: 'sequences, ragged where there are several' }),
  truncation: trainingSchema.shape.truncation,
  reduction: trainingSchema.shape.reduction,
  seed: trainingSchema.shape.seed,
  backend: oneOf([...BACKENDS, 'reference-f64']).default('reference-f64').meta({ flags: '--backend <name>', help: 'what computes the gradient: reference-f64, reference, simd, gpu or auto' }),
  tolerance: realNumber(0, 1, { above: true }).optional().meta({ flags: '--tolerance <error>', help: 'largest relative error that passes', defaultText: '1e-6 for reference-f64, 1e-3 for float32 backends' }),
});
export type GradcheckSettings = z.output<typeof gradcheckSchema>;

/** What `generate` draws and from where. */
export const generateSchema = z.strictObject({
  prompt: z.string().default('').meta({ flags: '--prompt <text>', help: 'words that every sentence begins with', defaultText: 'none' }),
  length: wholeNumber(1, 10_000).default(40).meta({ flags: '--length <words>', help: 'most words of a sentence, the prompt left out' }),
  samples: wholeNumber(1, 10_000).default(1).meta({ flags: '--samples <count>', help: 'sentences' }),
  temperature: realNumber(0, 100).default(1).meta({ flags: '--temperature <t>', help: 'below 1 surer, above 1 bolder; 0 always takes the likeliest word' }),
  topK: wholeNumber(0, SIZE_MAX).default(0).meta({ flags: '--top-k <words>', help: 'draw among so many likeliest words; 0 means all' }),
  topP: realNumber(0, 1, { above: true }).default(1).meta({ flags: '--top-p <share>', help: 'draw among the fewest likeliest words that have this share of the probability' }),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1).meta({ flags: '--seed <number>', help: 'seed of the draws' }),
  backend: oneOf(BACKENDS).default('auto').meta({ flags: '--backend <name>', help: 'what computes: auto, reference, simd or gpu' }),
});
export type GenerateSettings = z.output<typeof generateSchema>;

/** How `evaluate` computes. */
export const evaluateSchema = z.strictObject({ backend: generateSchema.shape.backend, cache: trainingSchema.shape.cache });

/** Where a server listens. */
export const serveSchema = z.strictObject({
  listen: text('host:port').default('127.0.0.1:0').meta({ flags: '--listen <host:port>', help: 'where the server listens; port 0 takes a free one' }),
});

/** How `launch` divides the work. */
export const launchSchema = z.strictObject({
  workers: wholeNumber(1, 256).meta({ flags: '--workers <count>', help: 'worker processes to start' }),
  ...serveSchema.shape,
});

const serverMeta = { flags: '--server <host:port>', help: 'address of the parameter server' };
const serverAddress = text('host:port').meta(serverMeta);

/** How a worker joins. */
export const workSchema = z.strictObject({
  server: serverAddress,
  threads: trainingSchema.shape.threads,
  backend: oneOf(BACKENDS).default('auto').meta({ flags: '--backend <name>', help: "what computes: auto (the run's backend), reference, simd or gpu" }),
});
export type WorkSettings = z.output<typeof workSchema>;

/** Which server is asked. */
export const serverSchema = z.strictObject({ server: serverAddress });

/** What `doctor` looks at beside this machine. */
export const doctorSchema = z.strictObject({ server: serverAddress.optional().meta({ ...serverMeta, defaultText: 'none' }) });

/** A command line as commander read it. */
export type Flags = Readonly<Record<string, unknown>>;

/**
 * The settings of a run: defaults, under the file that `--config` names, under flags.
 * @throws BpttError `invalid-argument` for an unknown key or bad value, `not-found` where there is no such file
 */
export async function trainingSettings(flags: Flags, configPath?: string): Promise<TrainingSettings> {
  const file = configPath === undefined ? {} : await readConfigFile(configPath);
  const settings = parseSettings(trainingSchema, flags, file);
  const microshards = microshardsOf(settings);
  if (microshards > settings.batch) {
    throw new BpttError('invalid-argument', `microshards: expected at most the batch (${String(settings.batch)}), got ${String(microshards)}`);
  }
  assertLegalModel(modelOf(settings));
  optimizerOf(settings);
  if (settings.clip !== undefined && settings.clip > 0 && settings.clipValue !== undefined) {
    throw new BpttError('invalid-argument', `clipValue: expected either --clip or --clip-value, got --clip ${String(settings.clip)} and --clip-value ${String(settings.clipValue)}`);
  }
  if (settings.optimizer === 'asgd' && settings.schedule.kind === 'plateau') {
    throw new BpttError('invalid-argument', `schedule: expected another than plateau with optimizer asgd, whose averaging answers a plateau already, got ${formatSchedule(settings.schedule)}`);
  }
  return settings;
}

/** What one of the commands that train is asked to do. */
export interface TrainingRequest {
  readonly settings: TrainingSettings;
  /** Go on from the last checkpoint of the run folder. */
  readonly resume: boolean;
  /** Replace the run in the run folder. */
  readonly overwrite: boolean;
  /** JSON lines on stdout and nothing else. */
  readonly json: boolean;
}

/**
 * Reads the command line of a command that trains.
 * @throws BpttError as `trainingSettings` does
 */
export async function readTrainingFlags({ config, resume = false, overwrite = false, json = false, ...flags }: Flags): Promise<TrainingRequest> {
  if (resume === true && overwrite === true) throw new BpttError('invalid-argument', 'resume: expected either --resume or --overwrite, got both');
  const settings = await trainingSettings(flags, typeof config === 'string' ? config : undefined);
  return { settings, resume: resume === true, overwrite: overwrite === true, json: json === true };
}

/** The object that a JSON file holds. */
async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (cause) {
    throw new BpttError('not-found', `config: expected a JSON file, got ${JSON.stringify(path)} (${(cause as NodeJS.ErrnoException).code ?? 'unreadable'})`, { cause });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (cause) {
    throw new BpttError('invalid-argument', `config: expected JSON in ${path}, got ${JSON.stringify(content.slice(0, 40))}`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new BpttError('invalid-argument', `config: expected one JSON object in ${path}, got ${JSON.stringify(parsed).slice(0, 40)}`);
  return parsed as Record<string, unknown>;
}

/** The model that settings describe. */
export function modelOf({ cell, activation, biases, input, vocabulary, embedding, hidden, layers }: ModelConfig): ModelConfig {
  return { cell, activation, biases, input, vocabulary, embedding, hidden, layers };
}

/**
 * The optimiser that settings describe.
 * @throws BpttError `invalid-argument` for a setting that it does not have, or a value out of range
 */
export function optimizerOf({ optimizer, momentum, betas, alpha, epsilon, nonmono, l2, weightDecay }: TrainingSettings): OptimizerConfig {
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
  const { seed, truncation, reduction, batch, schedule, warmup, explosion, validEvery, checkpointEvery, tokens, lowercase, sentences } = settings;
  return {
    model: modelOf(settings), init: 'uniformFanIn', seed, ...(initialParametersSha256 !== undefined && { initialParametersSha256 }),
    truncation, reduction, batch, microshards: microshardsOf(settings),
    optimizer: optimizerOf(settings), learningRate: settings.lr ?? LEARNING_RATES[settings.optimizer], schedule, warmup, clip: clipOf(settings), explosion,
    validEvery, checkpointEvery, corpus: { source: corpus, tokens, lowercase, sentences },
  };
}

/** How settings that a text was read into are written as a text again. */
const FORMATS: Readonly<Record<string, (value: object) => string>> = {
  truncation: (value) => formatTruncation(value as Truncation),
  schedule: (value) => formatSchedule(value as Schedule),
  betas: (value) => (value as readonly number[]).join(','),
};

/** Settings as the words of a command line that gives them back. */
export function flagWords(settings: TrainingSettings): string[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`];
    return [`--${name}=${typeof value === 'object' ? FORMATS[key](value) : String(value)}`];
  });
}
