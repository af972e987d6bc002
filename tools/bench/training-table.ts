import { formatTruncation } from '@bptt/core';
import { backendEntrant } from './backend-contender.js';
import { BACKENDS, fastestBackend } from './backends.js';
import { stepFlops } from './flops.js';
import { measureInTurn, measuredRow, type Measured, type Skipped } from './measure.js';
import { numpyEntrant, torchCudaEntrant, torchEntrant } from './python-contender.js';
import { tensorFlowEntrant } from './tensorflow-contender.js';
import type { Rounds } from './rounds.js';
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
  /** What computes: one thread of the processor, or the graphics processor, with one thread of the processor beside it. */
  readonly computes: 'one thread' | 'the GPU, and one thread beside it';
  readonly truncation: string;
  readonly sentences: number;
  readonly words: number;
  readonly gflopPerStep: number;
  readonly rows: readonly TrainingRow[];
}

/** @param sgemmGflopPerSecond what OpenBLAS's product reaches on one thread; null where that is not known */
export async function measureTraining(workload: Workload, rounds: Rounds, sgemmGflopPerSecond: number | null): Promise<TrainingTable> {
  const entrants = [
    ...BACKENDS.map((backend) => backendEntrant(backend, workload, backend === 'gpu' ? 'webasm' : undefined)),
    torchEntrant(PYTORCH, workload), numpyEntrant(NUMPY, workload), tensorFlowEntrant(TENSORFLOW, workload),
  ];
  return trainingTable(workload, await measureInTurn(entrants, rounds), { sgemmGflopPerSecond });
}

/** The backend `gpu` and PyTorch on the graphics processor of this machine, and what one thread of the processor does beside them. */
export async function measureGpu(workload: Workload, rounds: Rounds): Promise<TrainingTable> {
  const entrants = [
    backendEntrant('gpu', workload, 'webgpu'), torchCudaEntrant(PYTORCH, workload), backendEntrant('gpu', workload, 'webasm'), backendEntrant(await fastestBackend(), workload),
  ];
  return trainingTable(workload, await measureInTurn(entrants, rounds), { computes: 'the GPU, and one thread beside it' });
}

interface TableSetting {
  /** Default: not known. */
  readonly sgemmGflopPerSecond?: number | null;
  /** Default `one thread`. */
  readonly computes?: TrainingTable['computes'];
}

/** The table of what was measured, the batch as one microshard. */
export function trainingTable(workload: Workload, measured: readonly (Measured | Skipped)[], { sgemmGflopPerSecond = null, computes = 'one thread' }: TableSetting = {}): TrainingTable {
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
  return { workload: name, computes, truncation: formatTruncation(truncation), sentences: B, words: T, gflopPerStep, rows };
}
