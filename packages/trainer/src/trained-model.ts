import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpttError, messageOf, parameterLayout, type ModelConfig, type ParameterLayout } from '@bptt/core';
import { SENTENCE_RULES, TOKEN_KINDS, Vocabulary, type TextOptions } from '@bptt/data';
import { bestCheckpointPath, decodeCheckpoint, readCheckpoint, readStoredRun, type Checkpoint } from '@bptt/server';

/** What a run has learnt so far, from its folder. */
export interface TrainedModel {
  readonly model: ModelConfig;
  readonly text: TextOptions;
  readonly vocabulary: Vocabulary;
  readonly parameters: Float32Array;
  /** SHA-256 of `parameters`, hex. */
  readonly parametersSha256: string;
  /** Steps after which these were the parameters. */
  readonly step: number;
  /** Backend that the run was trained with. */
  readonly backendId: string;
}

/** Parameters at one moment of a run. */
type Snapshot = Pick<TrainedModel, 'parameters' | 'parametersSha256' | 'step'>;

export interface TrainedModelOptions {
  readonly checkpoint: 'last' | 'best';
  readonly onWarning: (message: string) => void;
}

/**
 * Reads the last or the best checkpoint of a run.
 * @throws BpttError `not-found` where the folder holds no run or the run no such checkpoint, `data-loss` where what it holds is damaged
 */
export function loadTrainedModel(runDirectory: string, { checkpoint, onWarning }: TrainedModelOptions): TrainedModel {
  const { config, backendId } = readStoredRun(runDirectory);
  const { model, corpus } = config;
  const layout = parameterLayout(model);
  const snapshot = checkpoint === 'best' ? readBest(runDirectory, layout) : readLast(runDirectory, layout, onWarning);
  const vocabulary = readVocabulary(join(runDirectory, 'vocabulary.json'));
  if (vocabulary.size !== model.vocabulary) {
    throw new BpttError('data-loss', `run ${runDirectory}: expected a vocabulary of ${String(model.vocabulary)} words, got ${String(vocabulary.size)}`);
  }
  const tokens = TOKEN_KINDS.find((kind) => kind === corpus.tokens);
  const sentences = SENTENCE_RULES.find((rule) => rule === corpus.sentences);
  if (tokens === undefined || sentences === undefined) throw new BpttError('data-loss', `run ${runDirectory}: unknown tokens ${corpus.tokens} or sentences ${corpus.sentences}`);
  return { model, text: { tokens, sentences, lowercase: corpus.lowercase }, vocabulary, backendId, ...snapshot };
}

function readLast(runDirectory: string, layout: ParameterLayout, onWarning: (message: string) => void): Snapshot {
  const checkpoint = readCheckpoint(runDirectory, layout, onWarning);
  if (checkpoint === undefined) throw new BpttError('not-found', `run ${runDirectory}: expected a checkpoint, found none yet`);
  return snapshotOf(checkpoint);
}

function readBest(runDirectory: string, layout: ParameterLayout): Snapshot {
  const path = bestCheckpointPath(runDirectory);
  if (!existsSync(path)) throw new BpttError('not-found', `run ${runDirectory}: expected a best checkpoint, ${path}, found none: a run writes it at a validation that is due (--valid-every, or the end of an epoch)`);
  try {
    return snapshotOf(decodeCheckpoint(layout, readFileSync(path)));
  } catch (cause) {
    throw new BpttError('data-loss', `${path} is damaged: ${messageOf(cause)}`, { cause });
  }
}

function snapshotOf({ parameters, parametersSha256, cursor }: Checkpoint): Snapshot {
  return { parameters, parametersSha256, step: cursor.step };
}

function readVocabulary(path: string): Vocabulary {
  try {
    return Vocabulary.fromJSON(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new BpttError('data-loss', `${path}: ${messageOf(cause)}`, { cause });
  }
}
