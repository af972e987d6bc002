import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BpttError } from '@bptt/core';
import { openCorpus, unigramLoss, unknownShare, type Corpus, type Vocabulary } from '@bptt/data';
import { corpusRunData, floatsSha256, readStoredRun, type ParameterServerOptions } from '@bptt/server';
import { createBackend } from '@bptt/worker';
import { loadInitialParameters } from './initial-parameters.js';
import { InterruptedError } from './interruption.js';
import { modelOf } from './model-settings.js';
import { runConfigOf, runDirectoryOf, type TrainingSettings } from './training-settings.js';

/** What a run is asked to do. */
export interface RunRequest {
  readonly settings: TrainingSettings;
  /** Go on from the last checkpoint of the run folder. */
  readonly resume: boolean;
  /** Replace the run in the run folder. */
  readonly overwrite: boolean;
  /** Nothing is to be written: a run folder that is not empty is no obstacle. Default false. */
  readonly dryRun?: boolean;
}

/** A run whose input is known to be good. Nothing of it is on disk but the encoded corpus. */
export interface PreparedRun {
  readonly corpus: Corpus;
  readonly server: Omit<ParameterServerOptions, 'onEvent'>;
  /** Add-one unigram model on the validation targets, nats per token. */
  readonly unigramLoss: number;
  /** Share of the validation targets that are UNKNOWN_TOKEN, in [0, 1]. */
  readonly unknownShare: number;
  /** What was found out on the way and people should know. */
  readonly warnings: readonly string[];
}

/**
 * Checks everything that a run needs, before anything of it is made.
 * @throws BpttError with the first thing that is wrong; InterruptedError as soon as `signal` is aborted
 */
export async function prepareRun(corpusName: string, { settings, resume, overwrite, dryRun = false }: RunRequest, signal: AbortSignal): Promise<PreparedRun> {
  const runDirectory = runDirectoryOf(settings, corpusName);
  assertFolderFree(runDirectory, { resume, overwrite, dryRun });
  const backendId = (await createBackend(settings.backend, settings.device)).id;
  const { tokens, lowercase, sentences, vocabulary } = settings;
  const isCacheNew = !existsSync(settings.cache);
  let corpus: Corpus | undefined;
  try {
    corpus = await openCorpus(corpusName, { tokens, lowercase, sentences, vocabulary, cacheDirectory: settings.cache, signal });
    signal.throwIfAborted();
    // What a text has fewer words of is told by the corpus.
    const known = { ...settings, vocabulary: corpus.vocabulary.size };
    const start = findStart(known, corpus.vocabulary, resume ? runDirectory : undefined);
    const config = runConfigOf(known, corpusName, start.sha256);
    const data = corpusRunData(corpus, config);
    const stepsTotal = settings.steps ?? settings.epochs * data.stepsPerEpoch;
    return {
      corpus,
      server: { config, data, vocabularyJson: corpus.vocabulary, runDirectory, backendId, stepsTotal, resume, overwrite, patience: settings.patience, initialParameters: start.parameters },
      unigramLoss: unigramLoss(corpus.train, corpus.valid, corpus.vocabulary.size),
      unknownShare: unknownShare(corpus.valid, corpus.vocabulary.size),
      warnings: [...corpus.warnings, ...start.warnings],
    };
  } catch (error) {
    corpus?.close();
    if (isCacheNew) discardCache(settings.cache);
    throw signal.aborted ? new InterruptedError('reading the corpus') : error;
  }
}

/** A run that was refused leaves nothing behind: a cache made for it goes, unless another process has begun to use it too. */
function discardCache(cache: string): void {
  const names = existsSync(cache) ? readdirSync(cache) : [];
  if (names.length !== 1) return;
  rmSync(join(cache, names[0]));
  rmdirSync(cache);
}

/** Said before a corpus is read, which may take minutes; the server looks closer. */
function assertFolderFree(runDirectory: string, { resume, overwrite, dryRun }: Required<Omit<RunRequest, 'settings'>>): void {
  const stats = statSync(runDirectory, { throwIfNoEntry: false });
  if (stats === undefined) {
    if (resume) throw new BpttError('not-found', `run folder ${runDirectory}: expected a run to resume, found nothing`);
    return;
  }
  if (!stats.isDirectory()) throw new BpttError('already-exists', `run folder ${runDirectory}: expected a folder, got a file`);
  const isEmpty = readdirSync(runDirectory).length === 0;
  if (resume || (overwrite && !isEmpty)) readStoredRun(runDirectory);
  else if (!isEmpty && !dryRun) {
    throw new BpttError('already-exists', `run folder ${runDirectory} is not empty: choose another with --run, or --resume or --overwrite`);
  }
}

interface RunStart {
  /** Undefined where they are drawn, or a checkpoint has taken their place. */
  readonly parameters: Float32Array | undefined;
  /** Of what the run starts, or once started, from; undefined where that was drawn. */
  readonly sha256: string | undefined;
  readonly warnings: readonly string[];
}

/** @param resumed folder of the run that is gone on with: who does so need not have what it once started from */
function findStart(settings: TrainingSettings, vocabulary: Vocabulary, resumed: string | undefined): RunStart {
  const { initFrom } = settings;
  if (initFrom === undefined) {
    return { parameters: undefined, sha256: resumed === undefined ? undefined : readStoredRun(resumed).config.initialParametersSha256, warnings: [] };
  }
  const warnings: string[] = [];
  const parameters = loadInitialParameters(initFrom, { model: modelOf(settings), vocabulary }, (message) => { warnings.push(message); });
  return { parameters, sha256: floatsSha256(parameters), warnings };
}
