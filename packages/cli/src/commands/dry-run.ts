import { estimateRun, prepareRun, type RunEstimate } from '@bptt/trainer';
import type { TrainingRequest } from '../command-settings.js';
import { describeModel } from '../describe-model.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { watchInterrupts } from '../parent.js';
import { formatCount, formatDuration } from '../progress.js';

const MIB = 1 << 20;

/** `--dry-run` of a command that trains: everything is checked and one microshard measured; no run folder is made. */
export async function dryRun(corpus: string, request: TrainingRequest, threads: number): Promise<ExitCode> {
  const prepared = await prepareRun(corpus, request, watchInterrupts());
  try {
    const estimate = await estimateRun(prepared, { threads });
    const { config, backendId } = prepared.server;
    if (request.json) processOutput.line(JSON.stringify({ event: 'dry-run', backend: backendId, threads, model: config.model, ...estimate }));
    else for (const line of [`model ${describeModel(config.model)}; backend ${backendId}`, ...estimateLines(estimate, threads)]) processOutput.line(line);
  } finally {
    prepared.corpus.close();
  }
  return EXIT.done;
}

/** For people. */
export function estimateLines(estimate: RunEstimate, threads: number): string[] {
  const { parameters, parameterBytes, serverBytes, checkpointBytes, pulledBytes, pushedBytes, residentBytes, steps, stepsPerEpoch, tokensPerStep, microshardMs, seconds } = estimate;
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  return [
    `parameters ${formatCount(parameters)} (${mib(parameterBytes)}), checkpoint ${mib(checkpointBytes)}`,
    `memory: server ${mib(serverBytes)}; this process ${mib(residentBytes)} after one microshard on one thread`,
    `a step in a cluster: a worker pulls ${mib(pulledBytes)} and pushes ${mib(pushedBytes)} a microshard`,
    `${formatCount(steps)} steps, ${formatCount(stepsPerEpoch)} an epoch, ${formatCount(tokensPerStep)} tokens in the first`,
    `a microshard takes ${microshardMs.toFixed(1)} ms; on ${String(threads)} ${threads === 1 ? 'thread' : 'threads'} computing takes about ${formatDuration(seconds)}`,
  ];
}
