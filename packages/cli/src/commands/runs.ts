import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BpttError, parameterLayout } from '@bptt/core';
import { identityDifferences, readStoredRun, summarizeRun, type RunSummaryOnDisk } from '@bptt/server';
import { describeModel } from '../describe-model.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { formatCount, formatLoss, formatPerplexity } from '../progress.js';
import { textTable } from '../text-table.js';

/** Where runs lie unless told otherwise. */
const RUNS = 'runs';

/**
 * `bptt runs [folder...]`: how far runs have come, a row each, and where several are named also in what they differ. Without folders: all
 * runs below `runs/`; one that is damaged is warned of and left out.
 */
export function runs(folders: readonly string[], { json = false }: { readonly json?: boolean }): ExitCode {
  const summaries = folders.length > 0 ? folders.map(summarizeRun) : runsBelow(RUNS).flatMap(summaryIfWhole);
  const differences = folders.length > 1 ? identityDifferences(folders.map(readStoredRun)) : [];
  if (json) {
    for (const summary of summaries) processOutput.line(JSON.stringify({ event: 'run', ...summary, parameters: parameterLayout(summary.config.model).size }));
    for (const difference of differences) processOutput.line(JSON.stringify({ event: 'difference', ...difference }));
    return EXIT.done;
  }
  for (const line of runLines(summaries)) processOutput.line(line);
  if (differences.length > 0) {
    processOutput.line('');
    for (const line of textTable([['differs', ...folders], ...differences.map(({ key, values }) => [key, ...values.map((value) => value ?? 'not set')])])) processOutput.line(line);
  }
  return EXIT.done;
}

/** A table with a row a run. */
export function runLines(summaries: readonly RunSummaryOnDisk[]): string[] {
  const heading = ['run', 'model', 'parameters', 'optimizer', 'steps', 'tokens', 'train loss', 'valid perplexity', 'best', 'tokens/s', 'sha256'];
  return textTable([heading, ...summaries.map(({ runDirectory, config, step, tokens, trainLoss, validLoss, bestValidLoss, tokensPerSecond, hash }) => [
    runDirectory, describeModel(config.model), formatCount(parameterLayout(config.model).size), config.optimizer.name, formatCount(step), formatCount(tokens), formatLoss(trainLoss),
    formatPerplexity(validLoss), formatPerplexity(bestValidLoss), Number.isFinite(tokensPerSecond) ? formatCount(Math.round(tokensPerSecond)) : '-', hash?.parametersSha256.slice(0, 12) ?? '-',
  ])]);
}

function summaryIfWhole(folder: string): RunSummaryOnDisk[] {
  try {
    return [summarizeRun(folder)];
  } catch (error) {
    if (!(error instanceof BpttError)) throw error;
    processOutput.warn(`run ${folder} is left out: ${error.message}`);
    return [];
  }
}

function runsBelow(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const found = names.map((name) => join(folder, name)).filter((path) => existsSync(join(path, 'config.json')));
  if (found.length === 0) throw new BpttError('not-found', `expected runs in ./${folder}, found none; name their folders`);
  return found;
}
