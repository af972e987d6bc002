import { startParameterServer, type ParameterServer, type RunEvent, type RunResult } from '@bptt/server';
import { createBackend } from '@bptt/worker';
import type { TrainingRequest, TrainingSettings } from '../config.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isLaunched, tellParent } from '../parent.js';
import { prepareRun, type PreparedRun } from '../prepare-run.js';
import { reportLines, reportObjects, type RunReport } from '../run-report.js';
import { jsonReporter, plainReporter, type RunReporter } from '../run-reporter.js';
import { loadTrainedModel, sampleTexts } from '../trained-model.js';

/** Most words of a sentence that is sampled at the end of a run. */
const SAMPLE_WORDS_MAX = 40;

/** A run that is being served in this process. */
export interface ServedRun {
  readonly settings: TrainingSettings;
  readonly server: ParameterServer;
  readonly reporter: RunReporter;
  /** Lets `watcher` see everything that happens from now on. */
  readonly watch: (watcher: (event: RunEvent) => void) => void;
}

export interface TrainingCommand {
  readonly corpus: string;
  readonly request: TrainingRequest;
  readonly signal: AbortSignal;
  /** What must be true before anything is read or made. */
  readonly check?: () => Promise<void>;
  /** Lets workers in. What it returns is called when the run is over. */
  readonly serve: (run: ServedRun) => Promise<() => Promise<void>>;
}

/** Prepares a run, serves it to its end, and reports it. */
export async function runTraining({ corpus, request, signal, check, serve }: TrainingCommand): Promise<ExitCode> {
  const { settings, json } = request;
  const reporter = json ? jsonReporter(process.stdout) : plainReporter({
    stdout: process.stdout, stderr: process.stderr, terminal: process.stdout.isTTY, columns: () => process.stdout.columns,
  });
  await check?.();
  const prepared = await prepareRun(corpus, request, signal);
  try {
    const result = await serveRun({ prepared, settings, reporter, signal, serve });
    await report(await completeReport({ prepared, settings, reporter, result }), json);
    return result.outcome === 'finished' ? EXIT.done : result.outcome === 'interrupted' && signal.aborted ? EXIT.interrupted : EXIT.failed;
  } finally {
    prepared.corpus.close();
  }
}

interface ServeArguments extends Pick<TrainingCommand, 'signal' | 'serve'> {
  readonly prepared: PreparedRun;
  readonly settings: TrainingSettings;
  readonly reporter: RunReporter;
}

async function serveRun({ prepared, settings, reporter, signal, serve }: ServeArguments): Promise<RunResult> {
  const watchers: ((event: RunEvent) => void)[] = [];
  const server = await startParameterServer({
    ...prepared.server,
    onEvent: (event) => {
      if (event.event === 'started') introduce(prepared, reporter);
      reporter.event(event);
      for (const watch of watchers) watch(event);
    },
  });
  const stop = (): void => void server.stop();
  try {
    const release = await serve({ settings, server, reporter, watch: (watcher) => { watchers.push(watcher); } });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const result = await server.finished;
    await release();
    return result;
  } finally {
    signal.removeEventListener('abort', stop);
    await server.close();
    reporter.end();
  }
}

/** What people read before the first event of a run: not before it is certain that there will be one. */
function introduce({ corpus, notes }: PreparedRun, reporter: RunReporter): void {
  for (const message of corpus.warnings) reporter.event({ event: 'warning', message });
  for (const note of notes) reporter.note(note);
}

interface ReportArguments extends Pick<ServeArguments, 'prepared' | 'settings' | 'reporter'> {
  readonly result: RunResult;
}

async function completeReport({ prepared, settings: { samples, seed, backend }, reporter, result }: ReportArguments): Promise<RunReport> {
  const { runDirectory } = prepared.server;
  const texts: string[] = [];
  if (samples > 0 && result.outcome === 'finished') {
    const instance = (await createBackend(backend)).create();
    try {
      const trained = loadTrainedModel(runDirectory, (message) => { reporter.event({ event: 'warning', message }); });
      for await (const { text } of sampleTexts(trained, instance, { prompt: [], length: SAMPLE_WORDS_MAX, seed, samples })) texts.push(text);
    } finally {
      instance.dispose();
    }
  }
  return { result, runDirectory, unigramLoss: prepared.unigramLoss, samples: texts };
}

/** Tells the user; under `launch`, people hear of the end from it, after all processes have ended. */
async function report(runReport: RunReport, json: boolean): Promise<void> {
  const { outcome, reason } = runReport.result;
  if (json) for (const object of reportObjects(runReport)) process.stdout.write(`${JSON.stringify(object)}\n`);
  else if (isLaunched()) await tellParent({ type: 'summary', lines: reportLines(runReport) });
  else process.stdout.write(`${reportLines(runReport).join('\n')}\n`);
  if (outcome !== 'failed') return;
  if (isLaunched()) await tellParent({ type: 'failed', message: `the run failed: ${reason}`, exitCode: EXIT.failed });
  else process.stderr.write(`bptt: the run failed: ${reason}\n`);
}
