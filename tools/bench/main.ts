import { localGpu } from '@bptt/worker';
import { HELP, parseArguments, type Arguments } from './arguments.js';
import { print, runCommand } from './benchmark-command.js';
import { measureLimits, sgemmLimit, type Limits } from './limits-table.js';
import { measureStartUp, type StartUp } from './start-up-table.js';
import { measuresOf, measuresText, type Measure } from './measures.js';
import { QuietMachine, type Disturbance } from './quiet-machine.js';
import { disturbanceText, headText, limitsText, thisMachine, trainingText, transferText, type Machine } from './report.js';
import type { Rounds } from './rounds.js';
import { measureGpu, measureTraining, type TrainingTable } from './training-table.js';
import { measureTransfers, type TransferRow } from './transfer-table.js';
import { startUpText, waysText } from './ways-report.js';
import { measureCluster, measureThreads, type WaysTable } from './ways-table.js';
import { WORKLOADS } from './workload.js';

/** What one run of the benchmark found; written as JSON. Parts that were not asked for are missing. */
interface BenchmarkReport {
  readonly format: 'bptt-bench';
  readonly version: 5;
  readonly machine: Machine;
  /** Samples of every figure. */
  readonly rounds: number;
  /** How much other programs were in the way. */
  disturbance?: Disturbance;
  limits?: Limits;
  readonly training: TrainingTable[];
  readonly gpu: TrainingTable[];
  transfers?: readonly TransferRow[];
  threads?: WaysTable;
  cluster?: WaysTable;
  startUp?: readonly StartUp[];
  measures: readonly Measure[];
  /** Whether every part came to its end. */
  complete: boolean;
}

/** Measures one part after the other into `report`, and shows each. */
async function measure({ parts, rounds: count, waitMs }: Arguments, report: BenchmarkReport): Promise<void> {
  print(headText(report.machine, count));
  const quiet = await QuietMachine.open(waitMs);
  try {
    await quiet.begin();
    await measureParts(parts, { oneCore: quiet.rounds(count, 1), twoCores: quiet.rounds(count, 2) }, report);
  } finally {
    report.disturbance = quiet.disturbance;
    await quiet.close();
  }
  print(disturbanceText(report.disturbance));
  report.measures = measuresOf(report);
  print(measuresText(report.measures));
  report.complete = true;
}

async function measureParts(parts: ReadonlySet<string>, { oneCore, twoCores }: Record<'oneCore' | 'twoCores', Rounds>, report: BenchmarkReport): Promise<void> {
  const { training, gpu } = report;
  const part = async <T>(name: string, measureIt: () => Promise<T>, text: (result: T) => string, keep: (result: T) => void): Promise<void> => {
    if (!parts.has(name)) return;
    const result = await measureIt();
    keep(result);
    print(text(result));
  };
  await part('limits', () => measureLimits(oneCore), limitsText, (limits) => { report.limits = limits; });
  const sgemm = report.limits === undefined ? null : sgemmLimit(report.limits);
  for (const workload of WORKLOADS) await part(workload.name, () => measureTraining(workload, oneCore, sgemm), trainingText, (table) => training.push(table));
  if (parts.has('gpu') && (await localGpu()) === undefined) print('This machine has no graphics processor with a driver for WebGPU.');
  else for (const workload of WORKLOADS) await part('gpu', () => measureGpu(workload, oneCore), trainingText, (table) => gpu.push(table));
  await part('transfers', () => measureTransfers(twoCores), transferText, (transfers) => { report.transfers = transfers; });
  await part('threads', () => measureThreads(twoCores), waysText, (threads) => { report.threads = threads; });
  await part('cluster', () => measureCluster(twoCores), waysText, (cluster) => { report.cluster = cluster; });
  await part('start-up', () => measureStartUp(oneCore), startUpText, (startUp) => { report.startUp = startUp; });
}

await runCommand({
  name: 'bench', help: HELP, parse: parseArguments, measure,
  begin: ({ rounds }): BenchmarkReport => ({ format: 'bptt-bench', version: 5, machine: thisMachine(), rounds, training: [], gpu: [], measures: [], complete: false }),
});
