import { open, type FileHandle } from 'node:fs/promises';
import { HELP, parseArguments, type Arguments } from './arguments.js';
import { endOnInterrupt } from './child-processes.js';
import { measureLimits, sgemmLimit, type Limits } from './limits-table.js';
import { measureStartUp, type StartUp } from './start-up-table.js';
import { measuresOf, measuresText, type Measure } from './measures.js';
import { headText, limitsText, thisMachine, trainingText, transferText, type Machine } from './report.js';
import { measureTraining, type TrainingTable } from './training-table.js';
import { measureTransfers, type TransferRow } from './transfer-table.js';
import { startUpText, waysText } from './ways-report.js';
import { measureCluster, measureThreads, type WaysTable } from './ways-table.js';
import { WORKLOADS } from './workload.js';

/** What one run of the benchmark found; written as JSON. Parts that were not asked for are missing. */
export interface BenchmarkReport {
  readonly format: 'bptt-bench';
  readonly version: 2;
  readonly machine: Machine;
  /** Samples of every figure. */
  readonly rounds: number;
  readonly limits?: Limits;
  readonly training: readonly TrainingTable[];
  readonly transfers?: readonly TransferRow[];
  readonly threads?: WaysTable;
  readonly cluster?: WaysTable;
  readonly startUp?: readonly StartUp[];
  readonly measures: readonly Measure[];
}

function print(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

async function measure({ parts, rounds, out }: Arguments, file: FileHandle): Promise<void> {
  const machine = thisMachine();
  print(headText(machine, rounds));
  /** Measures a part that is asked for, and shows it. */
  async function part<T>(name: string, measureIt: (rounds: number) => Promise<T>, text: (result: T) => string): Promise<T | undefined> {
    if (!parts.has(name)) return undefined;
    const result = await measureIt(rounds);
    print(text(result));
    return result;
  }
  const limits = await part('limits', measureLimits, limitsText);
  const training: TrainingTable[] = [];
  for (const workload of WORKLOADS) {
    const table = await part(workload.name, () => measureTraining(workload, rounds, limits === undefined ? null : sgemmLimit(limits)), trainingText);
    if (table !== undefined) training.push(table);
  }
  const transfers = await part('transfers', measureTransfers, transferText);
  const threads = await part('threads', measureThreads, waysText);
  const cluster = await part('cluster', measureCluster, waysText);
  const startUp = await part('start-up', measureStartUp, startUpText);
  const measures = measuresOf({ limits, training, threads, cluster });
  print(measuresText(measures));
  const report: BenchmarkReport = {
    format: 'bptt-bench', version: 2, machine, rounds, training, measures,
    ...(limits && { limits }), ...(transfers && { transfers }), ...(threads && { threads }), ...(cluster && { cluster }), ...(startUp && { startUp }),
  };
  await file.writeFile(`${JSON.stringify(report, undefined, 2)}\n`);
  print(`written to ${out}`);
}

async function main(): Promise<number> {
  let given: Arguments | undefined;
  let file: FileHandle | undefined;
  try {
    given = parseArguments(process.argv.slice(2));
    // Opened before anything is measured: a name that cannot be written shall not be known after minutes only.
    file = given && (await open(given.out, 'w'));
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (given === undefined || file === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    await measure(given, file);
  } finally {
    await file.close();
  }
  return 0;
}

endOnInterrupt();
process.exitCode = await main();
