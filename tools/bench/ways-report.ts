import type { StartUp } from './start-up-table.js';
import { mebibytes, textTable, threeDigits } from './text-table.js';
import type { WayResult } from './way.js';
import type { WaysTable } from './ways-table.js';

const KIBIBYTE = 1024;

/** Rates, then what each process did, then where the time of a step of a cluster goes. */
export function waysText({ title, sentences, words, rows }: WaysTable): string {
  const measured = rows.filter((row): row is WayResult => !('skipped' in row));
  const rates = rows.map((row) => ('skipped' in row
    ? [row.name, '-', '-', '-', `skipped: ${row.skipped}`]
    : [row.name, String(row.microshards), threeDigits(row.tokensPerSecond), threeDigits(row.stepMs), row.executes]));
  const processes = measured.flatMap(({ name, processes: shares }) => shares.map((share) =>
    [name, threeDigits(share.cpuMsPerStep), threeDigits(share.bytesInPerStep / KIBIBYTE), threeDigits(share.bytesOutPerStep / KIBIBYTE), mebibytes(share.peakRssBytes), share.role]));
  const parts = measured.flatMap(({ name, parts: times, stepMs, eventLoopPauseMs }) => (times === null ? [] : [[
    name, ...[times.pullMs, times.computeMs, times.pushMs, times.serverMs, stepMs].map(threeDigits), eventLoopPauseMs === null ? '-' : threeDigits(eventLoopPauseMs),
  ]]));
  return [
    `${title}: ${String(sentences)} x ${String(words)} words a step, the whole machine`,
    textTable([['', 'K', 'tokens/s', 'ms/step', 'executes'], ...rates]),
    ...(processes.length === 0 ? [] : [`of each process, a step`, textTable([['', 'CPU ms', 'KiB in', 'KiB out', 'peak MiB', 'process'], ...processes])]),
    ...(parts.length === 0 ? [] : ['parts of a step, ms', textTable([['', 'pull', 'compute', 'push', 'sum and update', 'step', "longest pause of the server's event loop"], ...parts])]),
  ].join('\n');
}

export function startUpText(rows: readonly StartUp[]): string {
  return `Start-up\n${textTable([['', 'ms', ''], ...rows.map(({ what, medianMs }) => [what, threeDigits(medianMs), ''])])}`;
}
