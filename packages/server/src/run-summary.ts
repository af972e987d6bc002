import { join } from 'node:path';
import type { RunConfig } from './run-config.js';
import type { RunMetric } from './run-event.js';
import { readStoredRun } from './run-folder.js';
import { readJournal, readJsonLines, type JournalLine } from './journal.js';

/** How far a run has come, from what lies in its folder. Losses are nats per token and NaN where there is none. */
export interface RunSummaryOnDisk {
  readonly runDirectory: string;
  readonly runId: string;
  readonly backendId: string;
  readonly config: RunConfig;
  /** Steps done. */
  readonly step: number;
  /** Training tokens read. */
  readonly tokens: number;
  /** Mean of the last steps, at most `RECENT_STEPS`. */
  readonly trainLoss: number;
  readonly validLoss: number;
  /** Lowest of the validations that were due; its parameters are those of `checkpoints/best.safetensors`. */
  readonly bestValidLoss: number;
  /** Training tokens per second of training. */
  readonly tokensPerSecond: number;
  /** The last hash that is known of the parameters that the run is judged by, hex, and the steps done then; undefined before the first. */
  readonly hash: { readonly step: number; readonly parametersSha256: string } | undefined;
}

/** Steps that a training loss is the mean of. */
const RECENT_STEPS = 100;

/**
 * Reads how far the run in `runDirectory` has come.
 * @throws BpttError `not-found` where there is no run, `data-loss` where its files cannot be read
 */
export function summarizeRun(runDirectory: string): RunSummaryOnDisk {
  const { runId, backendId, config } = readStoredRun(runDirectory);
  const metrics = readJsonLines(join(runDirectory, 'metrics.jsonl')) as RunMetric[];
  // A run that went on after a crash has computed some steps twice, with the same numbers: the last line of each counts.
  const steps = [...new Map(metrics.filter((metric) => metric.event === 'step').map((metric) => [metric.step, metric])).values()];
  const validations = metrics.filter((metric) => metric.event === 'validation');
  const tokens = steps.reduce((sum, step) => sum + step.tokens, 0);
  const seconds = steps.reduce((sum, step) => sum + (step.tokensPerSecond > 0 ? step.tokens / step.tokensPerSecond : 0), 0);
  const recent = steps.slice(-RECENT_STEPS).map(({ trainLoss }) => numberOf(trainLoss)).filter(Number.isFinite);
  return {
    runDirectory, runId, backendId, config, tokens,
    step: steps.at(-1)?.step ?? 0,
    trainLoss: recent.reduce((sum, loss) => sum + loss, 0) / recent.length,
    validLoss: numberOf(validations.at(-1)?.validLoss),
    bestValidLoss: numberOf(validations.findLast(({ improved }) => improved)?.validLoss),
    tokensPerSecond: seconds > 0 ? tokens / seconds : NaN,
    hash: lastHash(readJournal(join(runDirectory, 'journal.jsonl')), metrics),
  };
}

/** Of the last checkpoint; of the last step where that came later. A step's is that of its iterate, which an average or a restore takes the place of. */
function lastHash(journal: readonly JournalLine[], metrics: readonly RunMetric[]): RunSummaryOnDisk['hash'] {
  const ofStep = journal.findLast(({ parametersSha256 }) => parametersSha256 !== undefined);
  const ofCheckpoint = metrics.findLast((metric) => metric.event === 'checkpoint');
  const { step, parametersSha256 } = ofCheckpoint !== undefined && ofCheckpoint.step >= (ofStep?.step ?? 0) ? ofCheckpoint : (ofStep ?? { step: 0, parametersSha256: undefined });
  return parametersSha256 === undefined ? undefined : { step, parametersSha256 };
}

/** JSON knows no NaN: it is null there. What was never measured is NaN too. */
function numberOf(value: number | null | undefined): number {
  return value ?? NaN;
}
