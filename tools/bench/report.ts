import { cpus, loadavg } from 'node:os';
import { textTable, threeDigits, times } from './text-table.js';
import type { TrainingTable } from './training-table.js';
import type { TransferRow } from './transfer-table.js';

/** What one run of the benchmark found; written as JSON. */
export interface BenchmarkReport {
  readonly format: 'bptt-bench';
  readonly version: 1;
  readonly machine: Machine;
  /** Samples of every figure. */
  readonly rounds: number;
  readonly training: readonly TrainingTable[];
  readonly transfers: readonly TransferRow[];
}

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

/** The first lines of the report. */
export function headText({ machine, rounds }: Pick<BenchmarkReport, 'machine' | 'rounds'>): string {
  const { processor, cores, node, loadBefore } = machine;
  const busy = loadBefore > 1 ? '\nOther programs are running: compare ratios, not figures.' : '';
  return `${processor}, ${String(cores)} cores, Node ${node}, load ${threeDigits(loadBefore)}\n${String(rounds)} rounds in turn, medians, one thread each${busy}`;
}

export function trainingText({ workload, truncation, sentences, words, rows }: TrainingTable): string {
  const cells = rows.map((row) => {
    if ('skipped' in row) return [row.contender, '-', '-', '-', '-', `skipped: ${row.skipped}`];
    return [row.contender, threeDigits(row.tokensPerSecond), threeDigits(row.medianMs), times(row.timesPyTorch), times(row.timesNumPy), row.executes];
  });
  const title = `${workload}, ${truncation}: ${String(sentences)} x ${String(words)} words a step`;
  return `${title}\n${textTable([['', 'tokens/s', 'ms/step', 'PyTorch', 'NumPy', 'executes'], ...cells])}`;
}

export function transferText(rows: readonly TransferRow[]): string {
  const cells = rows.map(({ transfer, bytes, mebibytesPerSecond, rawMebibytesPerSecond, ratio }) =>
    [transfer, threeDigits(bytes / 1e6), threeDigits(mebibytesPerSecond), threeDigits(rawMebibytesPerSecond), times(ratio)]);
  return `gRPC over the loopback\n${textTable([['', 'MB', 'MiB/s', 'raw stream MiB/s', 'ratio'], ...cells])}`;
}
