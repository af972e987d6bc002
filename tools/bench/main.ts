import { open, type FileHandle } from 'node:fs/promises';
import { HELP, parseArguments, type Arguments } from './arguments.js';
import { measureLimits, sgemmLimit, type Limits } from './limits-table.js';
import { headText, limitsText, thisMachine, trainingText, transferText, type Machine } from './report.js';
import { measureTraining, type TrainingTable } from './training-table.js';
import { measureTransfers, type TransferRow } from './transfer-table.js';
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
}

function print(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

async function measure({ parts, rounds, out }: Arguments, file: FileHandle): Promise<void> {
  const machine = thisMachine();
  print(headText(machine, rounds));
  const limits = parts.has('limits') ? await measureLimits(rounds) : undefined;
  if (limits !== undefined) print(limitsText(limits));
  const training: TrainingTable[] = [];
  for (const workload of WORKLOADS.filter(({ name }) => parts.has(name))) {
    const table = await measureTraining(workload, rounds, limits === undefined ? null : sgemmLimit(limits));
    training.push(table);
    print(trainingText(table));
  }
  const transfers = parts.has('transfers') ? await measureTransfers(rounds) : undefined;
  if (transfers !== undefined) print(transferText(transfers));
  const report: BenchmarkReport = { format: 'bptt-bench', version: 2, machine, rounds, ...(limits && { limits }), training, ...(transfers && { transfers }) };
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

process.exitCode = await main();
