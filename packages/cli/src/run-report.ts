import { bestCheckpointPath, type RunResult } from '@bptt/server';
import { formatCount, formatLoss, formatPerplexity } from './progress.js';

/** What a run leaves to say at its end. */
export interface RunReport {
  readonly result: RunResult;
  readonly runDirectory: string;
  readonly stepsTotal: number;
  /** Share of the validation targets that are UNKNOWN_TOKEN, in [0, 1]. */
  readonly unknownShare: number;
  /** Add-one unigram model on the same validation targets, nats per token. */
  readonly unigramLoss: number;
  readonly samples: readonly string[];
}

/** For people. The last line of a finished run is `parameters sha256 <hex>`. */
export function reportLines({ result, runDirectory, stepsTotal, unknownShare, unigramLoss, samples }: RunReport): string[] {
  const { outcome, step, trainLoss, validLoss, bestValidLoss, tokensPerSecond, parametersSha256, reason } = result;
  const wentThrough = outcome === 'finished' && step >= stepsTotal;
  return [
    `${outcome} after ${formatCount(step)} steps${wentThrough ? '' : `: ${reason}`}`,
    `training loss ${formatLoss(trainLoss)} nats/token, ${formatCount(Math.round(tokensPerSecond))} tokens/s`,
    `validation loss ${formatLoss(validLoss)} nats/token, perplexity ${formatPerplexity(validLoss)}; ${(100 * unknownShare).toFixed(2)}% of the targets are UNKNOWN_TOKEN`,
    ...(bestValidLoss < validLoss ? [`best validation loss ${formatLoss(bestValidLoss)} nats/token, perplexity ${formatPerplexity(bestValidLoss)}: ${bestCheckpointPath(runDirectory)}`] : []),
    `add-one unigram model, same vocabulary and targets: loss ${formatLoss(unigramLoss)} nats/token, perplexity ${formatPerplexity(unigramLoss)}`,
    ...samples.map((sample, i) => `sample ${String(i + 1)}: ${sample}`),
    `run ${runDirectory}`,
    `parameters sha256 ${parametersSha256}`,
  ];
}

/** As JSON objects, one a line; the last has the event `done`, or `interrupted` or `failed` where the run did not finish. */
export function reportObjects({ result, runDirectory, unknownShare, unigramLoss, samples }: RunReport): Record<string, unknown>[] {
  const { outcome, reason, step, trainLoss, validLoss, bestValidLoss, parametersSha256, tokensPerSecond } = result;
  return [
    ...samples.map((text, index) => ({ event: 'sample', index, text })),
    {
      event: outcome === 'finished' ? 'done' : outcome,
      step, trainLoss, validLoss, parametersSha256, tokensPerSecond,
      validPerplexity: Math.exp(validLoss), bestValidLoss, unknownShare, unigramLoss, unigramPerplexity: Math.exp(unigramLoss), run: runDirectory, reason,
    },
  ];
}
