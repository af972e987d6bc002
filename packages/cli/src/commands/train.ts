import { hostname } from 'node:os';
import { runWorker } from '@bptt/worker';
import { threadsOf, type TrainingRequest } from '../config.js';
import type { ExitCode } from '../exit-codes.js';
import { watchInterrupts } from '../parent.js';
import { runTraining, type ServedRun } from './training.js';

/** `bptt train <corpus>`: server and worker in this process. */
export function train(corpus: string, request: TrainingRequest): Promise<ExitCode> {
  return runTraining({ corpus, request, signal: watchInterrupts(), serve: workHere });
}

/** One worker over the connection inside the process. Its failure ends the run, since there is no other. */
function workHere({ settings, server, reporter }: ServedRun): Promise<() => Promise<void>> {
  const leave = new AbortController();
  const connection = server.connect();
  let failure: unknown;
  const work = runWorker({
    connection,
    threads: threadsOf(settings.threads, 1),
    name: `${hostname()}:${String(process.pid)}`,
    signal: leave.signal,
    onEvent: (event) => {
      if (event.event === 'joined') reporter.note(`computes with ${event.executes}, threads ${String(event.threads)}`);
      if (event.event === 'warning') reporter.event(event);
    },
  }).catch((error: unknown) => {
    failure = error;
    return server.stop();
  });
  return Promise.resolve(async () => {
    leave.abort();
    await work;
    connection.close();
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the worker failed', { cause: failure });
  });
}
