import { readFile } from 'node:fs/promises';
import { BpttError, formatInitializer, formatSchedule, formatTruncation, HEADS, INPUTS, type Initializer, type Schedule, type Truncation } from '@bptt/core';
import type { RunRequest } from '@bptt/trainer';
import {
  BACKENDS, deviceSetting, generationSchema, initializationShape, loadingSchema, measurementSchema, modelShape, objectiveShape, oneOf, realNumber, text, trainingSchema, trainingSettings, wholeNumber, wholeNumbers,
  type TrainingSettings,
} from '@bptt/trainer/settings';
import { z } from 'zod';
import { readRecipe } from './recipes.js';

/** Settings that fix the model that `gradcheck` makes, small unless asked otherwise. */
export const gradcheckSchema = z.strictObject({
  ...modelShape,
  ...objectiveShape,
  ...initializationShape,
  hidden: wholeNumbers(1, 256).default([5]).meta({ ...modelShape.hidden.meta(), defaultText: '5' }),
  embedding: wholeNumber(1, 256).default(4).meta(modelShape.embedding.meta() ?? {}),
  input: oneOf(INPUTS).default('onehot').meta({ flags: '--input <kind>', help: 'what is read: onehot or embedding (words), or dense (vectors)' }),
  head: oneOf(HEADS).default('softmax').meta({ flags: '--head <kind>', help: 'what is predicted: softmax or adaptive (a word at every step), lastSoftmax (a class) or lastSquaredError (numbers)' }),
  outputs: wholeNumber(1, 256).default(3).meta({ flags: '--outputs <count>', help: 'classes of head lastSoftmax, numbers of head lastSquaredError' }),
  vocabulary: wholeNumber(4, 1000).default(9).meta({ flags: '--vocabulary <words>', help: 'words of the model' }),
  length: wholeNumber(1, 200).default(7).meta({ flags: '--length <steps>', help: 'time steps of the longest sequence' }),
  batch: wholeNumber(1, 16).default(3).meta({ flags: '--batch <sequences>', help: 'sequences, ragged where there are several' }),
  seed: trainingSchema.shape.seed,
  backend: oneOf([...BACKENDS, 'reference-f64']).default('reference-f64').meta({ flags: '--backend <name>', help: 'what computes the gradient: reference-f64, reference, simd, simd-relaxed, blas, gpu or auto' }),
  device: deviceSetting,
  tolerance: realNumber(0, 1, { above: true }).optional().meta({ flags: '--tolerance <error>', help: 'largest relative error that passes', defaultText: '1e-6 for reference-f64, 1e-3 for float32 backends' }),
});
export type GradcheckSettings = z.output<typeof gradcheckSchema>;

/** What `generate` draws and from where. */
export const generateSchema = z.strictObject({ ...generationSchema.shape, ...loadingSchema.shape });

/** How `evaluate` computes. */
export const evaluateSchema = z.strictObject({ ...loadingSchema.shape, cache: trainingSchema.shape.cache });

/** What `flow` measures. */
export const flowSchema = z.strictObject({ ...measurementSchema.shape, ...evaluateSchema.shape });

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
  threads: trainingSchema.shape.threads.meta({ flags: '--threads <count>', help: 'compute threads', defaultText: 'all cores' }),
  backend: oneOf(BACKENDS).default('auto').meta({ flags: '--backend <name>', help: "what computes: auto (the run's backend), reference, simd, simd-relaxed, blas or gpu" }),
  device: deviceSetting,
});

/** Which server is asked. */
export const serverSchema = z.strictObject({ server: serverAddress });

/** What `doctor` looks at beside this machine. */
export const doctorSchema = z.strictObject({ server: serverAddress.optional().meta({ ...serverMeta, defaultText: 'none' }) });

/** A command line as commander read it. */
export type Flags = Readonly<Record<string, unknown>>;

/**
 * The settings of a run: defaults, under the recipe, under the file that `--config` names, under flags.
 * @throws BpttError `invalid-argument` for an unknown key, recipe or bad value, `not-found` where there is no such file
 */
export async function trainingSettingsOf(flags: Flags, { config, recipe }: { readonly config?: string | undefined; readonly recipe?: string | undefined } = {}): Promise<TrainingSettings> {
  const ofRecipe = recipe === undefined ? {} : readRecipe(recipe).settings;
  const ofFiles = over(ofRecipe, config === undefined ? {} : await readConfigFile(config));
  return trainingSettings(over(ofFiles, flags));
}

/** Settings that mean something only beside a certain value of another. */
const DEPENDENTS: Readonly<Record<string, readonly string[]>> = {
  optimizer: ['lr', 'momentum', 'betas', 'alpha', 'epsilon', 'nonmono'],
  cell: ['activation', 'resetBefore', 'forgetBias'],
  head: ['cutoffs', 'divValue'],
  backend: ['device'],
  clip: ['clipValue'],
  clipValue: ['clip'],
};

/** `settings` under `changes`: what a change makes meaningless, and the change itself does not name, is forgotten. */
function over(settings: Readonly<Record<string, unknown>>, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const forgotten = Object.entries(given).flatMap(([key, value]) => (settings[key] === value ? [] : (DEPENDENTS[key] ?? [])));
  const kept = Object.entries(settings).filter(([key]) => !forgotten.includes(key));
  return { ...Object.fromEntries(kept), ...given };
}

/** What one of the commands that train is asked to do. */
export interface TrainingRequest extends RunRequest {
  /** JSON lines on stdout and nothing else. */
  readonly json: boolean;
  /** Say what the run would need, and do nothing. */
  readonly dryRun: boolean;
}

/**
 * Reads the command line of a command that trains.
 * @throws BpttError as `trainingSettingsOf` does
 */
export async function readTrainingFlags({ config, recipe, resume = false, overwrite = false, json = false, dryRun = false, ...flags }: Flags): Promise<TrainingRequest> {
  if (resume === true && overwrite === true) throw new BpttError('invalid-argument', 'resume: expected either --resume or --overwrite, got both');
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const settings = await trainingSettingsOf(flags, { config: text(config), recipe: text(recipe) });
  return { settings, resume: resume === true, overwrite: overwrite === true, json: json === true, dryRun: dryRun === true };
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

/** How settings that a text was read into are written as a text again. */
const FORMATS: Readonly<Record<string, (value: object) => string>> = {
  truncation: (value) => formatTruncation(value as Truncation),
  schedule: (value) => formatSchedule(value as Schedule),
  init: (value) => formatInitializer(value as Initializer),
};

/** Settings as the words of a command line that gives them back. */
export function flagWords(settings: TrainingSettings): string[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`];
    const format = Array.isArray(value) ? String : typeof value === 'object' ? FORMATS[key] : String;
    return [`--${name}=${format(value as object)}`];
  });
}
