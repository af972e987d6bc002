import { readFileSync, statSync } from 'node:fs';
import { BpttError, messageOf, parameterLayout, type ModelConfig } from '@bptt/core';
import type { Vocabulary } from '@bptt/data';
import { decodeSafetensors, fromStateDict } from '@bptt/interop';
import { isOwn, vocabularySha256 } from '@bptt/server';
import { loadTrainedModel } from './trained-model.js';

/** What a run is made for. */
export interface InitialFor {
  readonly model: ModelConfig;
  readonly vocabulary: Vocabulary;
}

/**
 * Parameters to start a run from: those of the last checkpoint of another run, or of a safetensors file with PyTorch's names. What a file has
 * under `bptt.` is left out. A run must have the vocabulary word for word. So must a file whose metadata hold the hash of one, as checkpoints do; of
 * another this cannot be seen, and `onWarning` hears so.
 * @param path a run folder or a file
 * @throws BpttError `not-found` where there is neither, `invalid-argument` naming the first difference or for a file that cannot be read, `data-loss` where
 *   a run is damaged
 */
export function loadInitialParameters(path: string, wanted: InitialFor, onWarning: (message: string) => void): Float32Array {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new BpttError('not-found', `initFrom: expected a run folder or a .safetensors file, found nothing at ${path}`);
  if (!stats.isDirectory()) return readStateDict(path, wanted, onWarning);
  const { model, vocabulary, parameters } = loadTrainedModel(path, { checkpoint: 'last', onWarning });
  const difference = differenceOf(vocabulary.words, wanted.vocabulary.words, (id) => `word ${String(id)}`)
    ?? differenceOf(tensorTexts(model), tensorTexts(wanted.model), (i) => `tensor ${String(i)}`)
    ?? computationDifference(model, wanted.model);
  if (difference !== undefined) throw new BpttError('invalid-argument', `initFrom: ${path}: ${difference}`);
  return parameters;
}

function readStateDict(path: string, { model, vocabulary }: InitialFor, onWarning: (message: string) => void): Float32Array {
  try {
    const { tensors, metadata } = decodeSafetensors(readFileSync(path));
    const parameters = fromStateDict(parameterLayout(model), tensors.filter((tensor) => !isOwn(tensor)));
    const difference = vocabularyDifference(metadata['vocabulary'], vocabulary) ?? computationDifference(modelIn(metadata['config']), model);
    if (difference !== undefined) throw new BpttError('invalid-argument', difference);
    if (!('vocabulary' in metadata)) onWarning(`initFrom: ${path} does not say what vocabulary it is for: nothing can tell whether it is the one of this run`);
    return parameters;
  } catch (cause) {
    if (!(cause instanceof BpttError)) throw cause;
    throw new BpttError('invalid-argument', `initFrom: ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The model in the configuration that a file's metadata hold as JSON; empty where they hold none. */
function modelIn(config = '{}'): Partial<ModelConfig> {
  try {
    return (JSON.parse(config) as { readonly model?: Partial<ModelConfig> }).model ?? {};
  } catch (cause) {
    throw new BpttError('invalid-argument', `metadata: expected config to be JSON, got ${JSON.stringify(config.slice(0, 40))}`, { cause });
  }
}

/** @param theirs SHA-256 of their vocabulary, hex; undefined where it is not known */
function vocabularyDifference(theirs: string | undefined, vocabulary: Vocabulary): string | undefined {
  const ours = vocabularySha256(vocabulary);
  return theirs === undefined || theirs === ours ? undefined : `expected the vocabulary of this run, with sha256 ${ours}, got one with sha256 ${theirs}`;
}

/** The first setting in which models with tensors of the same shapes compute differently, in words; undefined where there is none. What `theirs` lacks is not known. */
function computationDifference(theirs: Partial<ModelConfig>, ours: ModelConfig): string | undefined {
  const key = (['cell', 'activation', 'resetBefore'] as const).find((one) => theirs[one] !== undefined && theirs[one] !== ours[one]);
  return key === undefined ? undefined : `expected ${key} ${String(ours[key])}, as of this run, got ${String(theirs[key])}`;
}

/** The first place where two lists differ, in words; undefined where they are equal. */
function differenceOf(theirs: readonly string[], ours: readonly string[], place: (index: number) => string): string | undefined {
  const shown = (text: string | undefined): string => (text === undefined ? 'none' : JSON.stringify(text));
  for (let i = 0; i < Math.max(theirs.length, ours.length); i += 1) {
    if (theirs[i] !== ours[i]) return `expected ${place(i)} to be ${shown(ours[i])}, as of this run, got ${shown(theirs[i])}`;
  }
  return undefined;
}

function tensorTexts(model: ModelConfig): string[] {
  return parameterLayout(model).tensors.map(({ name, shape }) => `${name} [${shape.join(', ')}]`);
}
