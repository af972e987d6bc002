import { parameterLayout } from '@bptt/core';
import type { ParameterServer, RunEvent, RunResult } from '@bptt/server';
import { loadRun, prepareRun, serveRun, type PreparedRun } from '@bptt/trainer';
import type { TrainingSettings } from '@bptt/trainer/settings';
import type { TrainingRequest } from '../command-settings.js';
import { describeModel } from '../describe-model.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isLaunched, tellParent } from '../parent.js';
import { formatCount } from '../progress.js';
import { reportLines, reportObjects, type RunReport } from '../run-report.js';
import { jsonReporter, plainReporter, type RunReporter } from '../run-reporter.js';

/** Most words of a sentence that is sampled at the end of a run. */
const SAMPLE_WORDS_MAX = 40;

/** A run that is being served in this process. */
export interface ServedRun {
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
  const watchers: ((event: RunEvent) => void)[] = [];
  try {
    const result = await serveRun(prepared, {
      signal,
      onEvent: (event) => {
        if (event.event === 'started') for (const note of runNotes(prepared, settings)) reporter.note(note);
        reporter.event(event);
        for (const watch of watchers) watch(event);
      },
      admit: (server) => serve({ server, reporter, watch: (watcher) => { watchers.push(watcher); } }),
    }).finally(() => { reporter.end(); });
    await report(await completeReport({ prepared, settings, reporter, result }), json);
    return result.outcome === 'finished' ? EXIT.done : result.outcome === 'interrupted' && signal.aborted ? EXIT.interrupted : EXIT.failed;
  } finally {
    prepared.corpus.close();
  }
}

/** What people read before the first event of a run: not before it is certain that there will be one. */
function runNotes({ corpus, server }: PreparedRun, { initFrom }: TrainingSettings): string[] {
  const { config, backendId, runDirectory } = server;
  const describe = ({ sentences, tokens }: PreparedRun['corpus']['train']): string => `${formatCount(sentences)} sentences (${formatCount(tokens)} tokens)`;
  return [
    `corpus ${config.corpus.source}: training ${describe(corpus.train)}, validation ${describe(corpus.valid)}, vocabulary ${formatCount(corpus.vocabulary.size)}`,
    `model ${describeModel(config.model)}: ${formatCount(parameterLayout(config.model).size)} parameters; backend ${backendId}; run folder ${runDirectory}`,
    ...(initFrom === undefined ? [] : [`starts from ${initFrom}`]),
  ];
}

interface ReportArguments {
  readonly prepared: PreparedRun;
  readonly settings: TrainingSettings;
  readonly reporter: RunReporter;
  readonly result: RunResult;
}

async function completeReport({ prepared, settings: { samples, seed, backend, device }, reporter, result }: ReportArguments): Promise<RunReport> {
  const { runDirectory } = prepared.server;
  const texts: string[] = [];
  if (samples > 0 && result.outcome === 'finished') {
    const model = await loadRun(runDirectory, { backend, device, onWarning: (message) => { reporter.event({ event: 'warning', message }); } });
    try {
      for (const { text } of await model.generate({ length: SAMPLE_WORDS_MAX, seed, samples })) texts.push(text);
    } finally {
      model.close();
    }
  }
  const { unigramLoss, unknownShare, server: { stepsTotal } } = prepared;
  return { result, runDirectory, stepsTotal, unknownShare, unigramLoss, samples: texts };
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
