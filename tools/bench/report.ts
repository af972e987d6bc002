import { cpus, loadavg } from 'node:os';
import { productName, type Limits, type ProductResult } from './limits-table.js';
import type { Skipped } from './measure.js';
import type { Disturbance } from './quiet-machine.js';
import { mebibytes, percent, textTable, threeDigits, times } from './text-table.js';
import type { TrainingTable } from './training-table.js';
import type { TransferRow } from './transfer-table.js';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly node: string;
  /** Processes that wanted to run in the minute before: above 1, other programs slow the figures. */
  readonly loadBefore: number;
}

export function thisMachine(): Machine {
  const cores = cpus();
  return { processor: cores.at(0)?.model.trim() ?? 'unknown', cores: cores.length, node: process.version, loadBefore: loadavg()[0] };
}

/** Samples below which a run is a trial. */
export const ROUNDS_MIN = 5;

/** The first lines of a report. @param rounds samples of every figure; undefined where each is taken once */
export function headText(machine: Machine, rounds?: number): string {
  const { processor, cores, node, loadBefore } = machine;
  const taken = rounds === undefined ? '' : `\n${String(rounds)} rounds in turn, medians`;
  const busy = loadBefore > 1 ? '\nOther programs are running: compare ratios, not figures.' : '';
  const few = rounds !== undefined && rounds < ROUNDS_MIN ? `\nFewer than ${String(ROUNDS_MIN)} rounds: a trial, no result.` : '';
  return `${processor}, ${String(cores)} cores, Node ${node}, load ${threeDigits(loadBefore)}${taken}${busy}${few}`;
}

/** How much of the run others disturbed. */
export function disturbanceText({ waitedMs, repeated, disturbed, turns }: Disturbance): string {
  return `Other programs: waited ${threeDigits(waitedMs / 1e3)} s for them; of ${String(turns)} turns ${String(repeated)} were made again, and ${String(disturbed)} count although they were seen to be disturbed.`;
}

export function trainingText({ workload, computes, truncation, sentences, words, gflopPerStep, rows }: TrainingTable): string {
  const cells = rows.map((row) => {
    if ('skipped' in row) return [row.contender, ...Array<string>(9).fill('-'), `skipped: ${row.skipped}`];
    const { contender, tokensPerSecond, medianMs, gflopPerSecond, shareOfSgemm, timesPyTorch, timesNumPy, timesTensorFlow, cores, peakRssBytes, executes } = row;
    return [
      contender, threeDigits(tokensPerSecond), threeDigits(medianMs), threeDigits(gflopPerSecond), percent(shareOfSgemm), times(timesPyTorch), times(timesNumPy), times(timesTensorFlow),
      cores === null ? '-' : threeDigits(cores), mebibytes(peakRssBytes), executes,
    ];
  });
  const title = `${workload}, ${truncation}: ${String(sentences)} x ${String(words)} words a step, ${threeDigits(gflopPerStep)} GFLOP; ${computes}, K = 1`;
  return `${title}\n${textTable([['', 'tokens/s', 'ms/step', 'GFLOP/s', 'of sgemm', 'PyTorch', 'NumPy', 'TF.js', 'cores', 'peak MiB', 'executes'], ...cells])}`;
}

/** The machine's limits and the products of the backends. */
export function limitsText({ products, vectors, memoryCopy }: Limits): string {
  const copy = 'skipped' in memoryCopy ? `skipped: ${memoryCopy.skipped}` : `${threeDigits(memoryCopy.gigabytesPerSecond)} GB/s`;
  const tables = [...products.map(({ shape, rows }) => rateText(productName(shape), rows)), rateText('128-bit vectors in registers', vectors)];
  return `Products on one thread\n${tables.join('\n')}\nmemory copy: ${copy}`;
}

function rateText(title: string, rows: readonly (ProductResult | Skipped)[]): string {
  const cells = rows.map((row) => ('skipped' in row
    ? [row.contender, '-', '-', `skipped: ${row.skipped}`]
    : [row.contender, threeDigits(row.gflopPerSecond), times(row.shareOfSgemm), row.executes]));
  return textTable([[title, 'GFLOP/s', 'of sgemm', 'executes'], ...cells]);
}

export function transferText(rows: readonly TransferRow[]): string {
  const cells = rows.map(({ transfer, way, bytes, mebibytesPerSecond, rawMebibytesPerSecond, ratio }) =>
    [`${transfer}, ${way}`, threeDigits(bytes / 1e6), threeDigits(mebibytesPerSecond), threeDigits(rawMebibytesPerSecond), times(ratio)]);
  return `Tensors between a worker and its server\n${textTable([['', 'MB', 'MiB/s', 'raw stream MiB/s', 'ratio'], ...cells])}`;
}
