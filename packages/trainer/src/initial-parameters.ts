import { readFileSync, statSync } from 'node:fs';
import { BpttError, messageOf, parameterLayout, type ModelConfig } from '@bptt/core';
import type { Vocabulary } from '@bptt/data';
import { decodeSafetensors, fromStateDict } from '@bptt/interop';
import { isOwn } from '@bptt/server';
import { loadTrainedModel } from './trained-model.js';

/** What a run is made for. */
export interface InitialFor {
  readonly model: ModelConfig;
  readonly vocabulary: Vocabulary;
}

/**
 * Parameters to start a run from: those of the last checkpoint of another run, or of a safetensors file with PyTorch's names. What a file has
 * under `bptt.` is left out. Whether a file belongs to the vocabulary cannot be seen; a run must have it word for word.
 * @param path a run folder or a file
 * @throws BpttError `not-found` where there is neither, `invalid-argument` naming the first difference or for a file that cannot be read, `data-loss` where
 *   a run is damaged
 */
export function loadInitialParameters(path: string, { model, vocabulary }: InitialFor, onWarning: (message: string) => void): Float32Array {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new BpttError('not-found', `initFrom: expected a run folder or a .safetensors file, found nothing at ${path}`);
  if (!stats.isDirectory()) return readStateDict(path, model);
  const trained = loadTrainedModel(path, { checkpoint: 'last', onWarning });
  const difference = differenceOf(trained.vocabulary.words, vocabulary.words, (id) => `word ${String(id)}`) ?? differenceOf(tensorTexts(trained.model), tensorTexts(model), (i) => `tensor ${String(i)}`);
  if (difference !== undefined) throw new BpttError('invalid-argument', `initFrom: ${path}: ${difference}`);
  for (const key of ['cell', 'activation', 'resetBefore'] as const) {
    if (trained.model[key] !== model[key]) throw new BpttError('invalid-argument', `initFrom: ${path}: expected ${key} ${String(model[key])}, as of this run, got ${String(trained.model[key])}`);
  }
  return trained.parameters;
}

function readStateDict(path: string, model: ModelConfig): Float32Array {
  try {
    const { tensors } = decodeSafetensors(readFileSync(path));
    return fromStateDict(parameterLayout(model), tensors.filter((tensor) => !isOwn(tensor)));
  } catch (cause) {
    if (!(cause instanceof BpttError)) throw cause;
    throw new BpttError('invalid-argument', `initFrom: ${path}: ${messageOf(cause)}`, { cause });
  }
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
