import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpttError, createStepper, messageOf, parameterLayout, type Backend, type ModelConfig } from '@bptt/core';
import { detokenize, SENTENCE_END, SENTENCE_START, TOKEN_KINDS, SENTENCE_RULES, UNKNOWN_TOKEN, Vocabulary, type TextOptions } from '@bptt/data';
import { readCheckpoint, readStoredRun } from '@bptt/server';
import { generateSentence, type GenerationOptions } from './generation.js';

/** What a run has learnt so far, from its folder. */
export interface TrainedModel {
  readonly model: ModelConfig;
  readonly text: TextOptions;
  readonly vocabulary: Vocabulary;
  readonly parameters: Float32Array;
  /** SHA-256 of `parameters`, hex. */
  readonly parametersSha256: string;
  readonly step: number;
  /** Backend that the run was trained with. */
  readonly backendId: string;
}

/**
 * Reads the last checkpoint of a run.
 * @throws BpttError `not-found` where the folder holds no run or the run no checkpoint yet, `data-loss` where what it holds is damaged
 */
export function loadTrainedModel(runDirectory: string, onWarning: (message: string) => void): TrainedModel {
  const { config, backendId } = readStoredRun(runDirectory);
  const { model, corpus } = config;
  const checkpoint = readCheckpoint(runDirectory, parameterLayout(model), onWarning);
  if (checkpoint === undefined) throw new BpttError('not-found', `run ${runDirectory}: expected a checkpoint, found none yet`);
  const { parameters, parametersSha256, cursor } = checkpoint;
  const vocabulary = readVocabulary(join(runDirectory, 'vocabulary.json'));
  if (vocabulary.size !== model.vocabulary) {
    throw new BpttError('data-loss', `run ${runDirectory}: expected a vocabulary of ${String(model.vocabulary)} words, got ${String(vocabulary.size)}`);
  }
  const tokens = TOKEN_KINDS.find((kind) => kind === corpus.tokens);
  const sentences = SENTENCE_RULES.find((rule) => rule === corpus.sentences);
  if (tokens === undefined || sentences === undefined) throw new BpttError('data-loss', `run ${runDirectory}: unknown tokens ${corpus.tokens} or sentences ${corpus.sentences}`);
  return { model, text: { tokens, sentences, lowercase: corpus.lowercase }, vocabulary, parameters, parametersSha256, step: cursor.step, backendId };
}

function readVocabulary(path: string): Vocabulary {
  try {
    return Vocabulary.fromJSON(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new BpttError('data-loss', `${path}: ${messageOf(cause)}`, { cause });
  }
}

/** A sentence as text, and whether the model ended it. */
export interface SampledText {
  readonly text: string;
  readonly ended: boolean;
}

/** Samples `samples` sentences, one after the other; `backend` is not disposed. */
export async function* sampleTexts(
  trained: TrainedModel,
  backend: Backend,
  { samples, ...options }: Omit<GenerationOptions, 'special' | 'sample'> & { readonly samples: number },
): AsyncGenerator<SampledText> {
  const { model, vocabulary, text, parameters } = trained;
  const stepper = createStepper({ backend, model });
  stepper.setParameters(parameters);
  const special = { start: SENTENCE_START, end: SENTENCE_END, unknown: UNKNOWN_TOKEN };
  for (let sample = 0; sample < samples; sample += 1) {
    const { words, ended } = await generateSentence(stepper, model, { ...options, special, sample });
    yield { text: detokenize(words.map((word) => vocabulary.wordOf(word)), text.tokens), ended };
  }
}
