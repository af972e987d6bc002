import { BpttError } from '@bptt/core';
import type { RunEvent, RunSummary } from '@bptt/server';
import type { z } from 'zod';
import { throwIfInterrupted } from './interruption.js';
import { prepareRun } from './prepare-run.js';
import { serveRun, workHere } from './serve-run.js';
import { threadsOf, trainingSettings, type trainingSchema } from './training-settings.js';

/** How a language model is trained: the settings of a configuration file, each with its default, and what a program adds. */
export interface TrainOptions extends Omit<z.input<typeof trainingSchema>, 'samples'> {
  /** Go on from the last checkpoint of the run folder. Default false. */
  readonly resume?: boolean;
  /** Replace the run in the run folder. Default false. */
  readonly overwrite?: boolean;
  /** Stops the run, with a checkpoint where it has begun. */
  readonly signal?: AbortSignal;
  /** Called for everything that happens: steps, validations, checkpoints, warnings. Must not throw. */
  readonly onProgress?: (event: RunEvent) => void;
}

/** A run that has ended. Losses are nats per token, NaN where there is none. */
export interface TrainedRun extends RunSummary {
  /** `interrupted`: `signal` stopped it; `resume` goes on from there. */
  readonly outcome: 'finished' | 'interrupted';
  /** Folder of the run, for `loadRun`. */
  readonly runDirectory: string;
  /** Add-one unigram model on the same validation targets, nats per token: what a model that ignores all context reaches. */
  readonly unigramLoss: number;
}

/**
 * Trains a language model in this process, on all cores: what `bptt train` does.
 * @param corpus a UTF-8 text file, a folder with `train.txt`, `valid.txt` and `test.txt`, or `dataset:moby-dick` or `dataset:sotu`
 * @throws BpttError `invalid-argument`, `not-found`, `already-exists` or `permission-denied` before anything is written: a bad setting, corpus or run
 *   folder; `failed-precondition` where the run failed, for instance by an explosion with `explosion: 'stop'`; InterruptedError (`cancelled`) where
 *   `signal` is aborted before the run has begun
 */
export async function trainLanguageModel(corpus: string, options: TrainOptions = {}): Promise<TrainedRun> {
  const { resume = false, overwrite = false, signal = new AbortController().signal, onProgress = () => undefined, ...given } = options;
  if (resume && overwrite) throw new BpttError('invalid-argument', 'resume: expected either resume or overwrite, got both');
  const settings = trainingSettings(given);
  throwIfInterrupted(signal, 'preparing the run');
  const prepared = await prepareRun(corpus, { settings, resume, overwrite }, signal);
  try {
    const result = await serveRun(prepared, {
      signal,
      onEvent: onProgress,
      admit: (server) => workHere(server, { threads: threadsOf(settings.threads, 1), onWarning: (message) => { onProgress({ event: 'warning', message }); } }),
    });
    const { outcome, reason, ...summary } = result;
    if (outcome === 'failed') throw new BpttError('failed-precondition', `the run failed: ${reason}`);
    return { ...summary, outcome, runDirectory: prepared.server.runDirectory, unigramLoss: prepared.unigramLoss };
  } finally {
    prepared.corpus.close();
  }
}
