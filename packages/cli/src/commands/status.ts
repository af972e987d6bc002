import { BpttClient, type GetStatusReply__Output } from '@bptt/rpc';
import { parseSettings } from '@bptt/trainer/settings';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { formatCount, formatLoss, formatPerplexity } from '../progress.js';
import { serverSchema, type Flags } from '../command-settings.js';

/** `bptt status --server host:port`: how a run goes. */
export async function status({ json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { server } = parseSettings(serverSchema, flags);
  const client = new BpttClient(server);
  try {
    const reply = await client.getStatus();
    if (json) processOutput.line(JSON.stringify(reply));
    else for (const line of statusLines(reply)) processOutput.line(line);
  } finally {
    client.close();
  }
  return EXIT.done;
}

/** A status for people. */
export function statusLines(reply: GetStatusReply__Output): string[] {
  const { state, stepAcknowledged, stepDurable, stepsTotal, trainLoss, validLoss, gradientNorm, tokensPerSecond, workers } = reply;
  return [
    `run ${reply.runId.slice(0, 16)}: ${state.replace('RUN_STATE_', '').toLowerCase()}, backend ${reply.backendId}`,
    `steps ${formatCount(stepAcknowledged)} acknowledged, ${formatCount(stepDurable)} durable, of ${formatCount(stepsTotal)}`,
    `training loss ${formatLoss(trainLoss)}, validation loss ${formatLoss(validLoss)} (perplexity ${formatPerplexity(validLoss)}), |g| ${Number.isFinite(gradientNorm) ? gradientNorm.toPrecision(3) : 'not finite'}`,
    `${formatCount(Math.round(tokensPerSecond))} tokens/s, leases expired ${formatCount(reply.leasesExpired)}, steps not finite ${formatCount(reply.stepsNonFinite)}, longest pause of the event loop ${reply.eventLoopPauseMsMax.toFixed(0)} ms`,
    ...workers.map(({ workerId, name, threads, microshardsDone, silenceMs, leasesExpired }) =>
      `worker ${workerId} ${name}: threads ${String(threads)}, microshards ${formatCount(microshardsDone)}, heard ${String(silenceMs)} ms ago, leases expired ${formatCount(leasesExpired)}`),
  ];
}
