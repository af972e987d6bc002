import { formatTruncation } from '@bptt/core';
import { backendEntrant } from './backend-contender.js';
import { BACKENDS } from './backends.js';
import { stepFlops } from './flops.js';
import { measureInTurn, measuredRow, type Measured, type Skipped } from './measure.js';
import { numpyEntrant, torchEntrant } from './python-contender.js';
import { tensorFlowEntrant } from './tensorflow-contender.js';
import type { Workload } from './workload.js';

/** Names of the peers. */
export const PYTORCH = 'PyTorch';
export const NUMPY = 'NumPy tutorial';
const TENSORFLOW = 'TensorFlow.js';

/** One contender in a table: what it reached, or why it did not take part. */
export type TrainingRow = TrainingResult | Skipped;

export interface TrainingResult extends Measured {
  /** Microshards of a batch (K) and threads. */
  readonly microshards: number;
  readonly threads: number;
  /** Words of the batch by the median time of a step. */
  readonly tokensPerSecond: number;
  /** `stepFlops` by the median time of a step. */
  readonly gflopPerSecond: number;
  /** Of the rate of OpenBLAS's large product in the same run; null where that was not measured. */
  readonly shareOfSgemm: number | null;
  /** How many times as fast as each peer; null where that peer was skipped. */
  readonly timesPyTorch: number | null;
  readonly timesNumPy: number | null;
  readonly timesTensorFlow: number | null;
}

/** All contenders on one workload. */
export interface TrainingTable {
  readonly workload: string;
  readonly truncation: string;
  readonly sentences: number;
  readonly words: number;
  readonly gflopPerStep: number;
  readonly rows: readonly TrainingRow[];
}

/** @param sgemmGflopPerSecond what OpenBLAS's product reaches on one thread; null where that is not known */
export async function measureTraining(workload: Workload, rounds: number, sgemmGflopPerSecond: number | null): Promise<TrainingTable> {
  const entrants = [
    ...BACKENDS.map((backend) => backendEntrant(backend, workload)),
    torchEntrant(PYTORCH, workload), numpyEntrant(NUMPY, workload), tensorFlowEntrant(TENSORFLOW, workload),
  ];
  return trainingTable(workload, await measureInTurn(entrants, rounds), sgemmGflopPerSecond);
}

/** The table of what was measured, all on one thread with the batch as one microshard. */
export function trainingTable(workload: Workload, measured: readonly (Measured | Skipped)[], sgemmGflopPerSecond: number | null): TrainingTable {
  const { name, truncation, T, B } = workload;
  const gflopPerStep = stepFlops(workload) / 1e9;
  const timesPeer = (peer: string, ms: number): number | null => {
    const row = measuredRow<Measured>(measured, peer);
    return row === undefined ? null : row.medianMs / ms;
  };
  const rows = measured.map((row): TrainingRow => {
    if ('skipped' in row) return row;
    const { medianMs } = row;
    const gflopPerSecond = (gflopPerStep * 1e3) / medianMs;
    return {
      ...row, microshards: 1, threads: 1, tokensPerSecond: (T * B * 1e3) / medianMs, gflopPerSecond,
      shareOfSgemm: sgemmGflopPerSecond === null ? null : gflopPerSecond / sgemmGflopPerSecond,
      timesPyTorch: timesPeer(PYTORCH, medianMs), timesNumPy: timesPeer(NUMPY, medianMs), timesTensorFlow: timesPeer(TENSORFLOW, medianMs),
    };
  });
  return { workload: name, truncation: formatTruncation(truncation), sentences: B, words: T, gflopPerStep, rows };
}
