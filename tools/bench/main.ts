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
  limits?: Limits;
  readonly training: TrainingTable[];
  transfers?: readonly TransferRow[];
  threads?: WaysTable;
  cluster?: WaysTable;
  startUp?: readonly StartUp[];
  measures: readonly Measure[];
  /** Whether every part came to its end. */
  complete: boolean;
}

function print(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

/** Measures one part after the other into `report`, and shows each. */
async function measure({ parts, rounds }: Arguments, report: BenchmarkReport): Promise<void> {
  const { training } = report;
  const part = async <T>(name: string, measureIt: (rounds: number) => Promise<T>, text: (result: T) => string, keep: (result: T) => void): Promise<void> => {
    if (!parts.has(name)) return;
    const result = await measureIt(rounds);
    keep(result);
    print(text(result));
  };
  await part('limits', measureLimits, limitsText, (limits) => { report.limits = limits; });
  const sgemm = report.limits === undefined ? null : sgemmLimit(report.limits);
  for (const workload of WORKLOADS) await part(workload.name, () => measureTraining(workload, rounds, sgemm), trainingText, (table) => training.push(table));
  await part('transfers', measureTransfers, transferText, (transfers) => { report.transfers = transfers; });
  await part('threads', measureThreads, waysText, (threads) => { report.threads = threads; });
  await part('cluster', measureCluster, waysText, (cluster) => { report.cluster = cluster; });
  await part('start-up', measureStartUp, startUpText, (startUp) => { report.startUp = startUp; });
  report.measures = measuresOf(report);
  print(measuresText(report.measures));
  report.complete = true;
}

/** What was found is written even where a part fails. */
async function run(given: Arguments, file: FileHandle): Promise<void> {
  const report: BenchmarkReport = { format: 'bptt-bench', version: 2, machine: thisMachine(), rounds: given.rounds, training: [], measures: [], complete: false };
  print(headText(report.machine, report.rounds));
  try {
    await measure(given, report);
  } finally {
    await file.writeFile(`${JSON.stringify(report, undefined, 2)}\n`);
    print(`written to ${given.out}`);
  }
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
    await run(given, file);
  } finally {
    await file.close();
  }
  return 0;
}

endOnInterrupt();
process.exitCode = await main();
