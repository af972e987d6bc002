import { formatTruncation, referenceBackend } from '@bptt/core';
import { gpuBackend } from '@bptt/kernels';
import { simdBackend } from '@bptt/simd';
import { backendEntrant } from './backend-contender.js';
import { Unavailable, type Contender, type Entrant } from './contender.js';
import { numpyEntrant, torchEntrant } from './peer-contender.js';
import { runRounds } from './rounds.js';
import type { Workload } from './workload.js';

/** One contender in a table: what it reached, or why it did not take part. */
export type TrainingRow = MeasuredRow | { readonly contender: string; readonly skipped: string };

export interface MeasuredRow {
  readonly contender: string;
  readonly executes: string;
  /** Words of the batch by the median time of a step. */
  readonly tokensPerSecond: number;
  readonly medianMs: number;
  readonly samplesMs: readonly number[];
  /** How many times as fast as PyTorch and as the NumPy tutorial; null where that peer was skipped. */
  readonly timesPyTorch: number | null;
  readonly timesNumPy: number | null;
}

/** All contenders on one workload. */
export interface TrainingTable {
  readonly workload: string;
  readonly truncation: string;
  readonly sentences: number;
  readonly words: number;
  readonly rows: readonly TrainingRow[];
}

const PYTORCH = 'PyTorch';
const NUMPY = 'NumPy tutorial';

function entrants(workload: Workload): Entrant[] {
  return [
    backendEntrant('reference', () => referenceBackend({ precision: 'float32' }), workload),
    backendEntrant('simd', () => simdBackend(), workload),
    backendEntrant('gpu cpu', () => gpuBackend({ mode: 'cpu' }), workload),
    backendEntrant('gpu webasm', () => gpuBackend({ mode: 'webasm' }), workload),
    torchEntrant(PYTORCH, workload),
    numpyEntrant(NUMPY, workload),
  ];
}

/** Measures all contenders on `workload` in turn. @param rounds how many samples each gives */
export async function measureTraining(workload: Workload, rounds: number): Promise<TrainingTable> {
  const open: Contender[] = [];
  const skipped: TrainingRow[] = [];
  try {
    for (const entrant of entrants(workload)) {
      try {
        open.push(await entrant.open());
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        skipped.push({ contender: entrant.name, skipped: error.message });
      }
    }
    const timings = await runRounds(open, rounds);
    const { name, truncation, T, B } = workload;
    const medians = new Map(open.map((contender, i) => [contender.name, timings[i].medianMs]));
    const timesPeer = (peer: string, ms: number): number | null => {
      const peerMs = medians.get(peer);
      return peerMs === undefined ? null : peerMs / ms;
    };
    const rows = open.map(({ name: contender, executes }, i): MeasuredRow => {
      const { medianMs, samplesMs } = timings[i];
      return { contender, executes, tokensPerSecond: (T * B * 1e3) / medianMs, medianMs, samplesMs, timesPyTorch: timesPeer(PYTORCH, medianMs), timesNumPy: timesPeer(NUMPY, medianMs) };
    });
    return { workload: name, truncation: formatTruncation(truncation), sentences: B, words: T, rows: [...rows, ...skipped] };
  } finally {
    for (const contender of open) await contender.close();
  }
}
