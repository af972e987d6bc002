import { describe, expect, it } from 'vitest';
import { productTable, SGEMM } from './limits-table.js';
import type { Measured } from './measure.js';
import { measuresOf, measuresText } from './measures.js';
import { trainingTable } from './training-table.js';
import { summarize } from './way.js';
import { WORKLOADS } from './workload.js';

const row = (contender: string, medianMs: number, peakRssBytes: number | null = null): Measured => ({ contender, executes: contender, medianMs, samplesMs: [medianMs], totalMs: medianMs, cores: null, peakRssBytes });
const way = (name: string, tokensPerSecond: number, peakRssBytes = 1): ReturnType<typeof summarize> => summarize({ name, microshards: 4, threads: 1, workers: 1 }, name, [
  { stepMs: 1, tokensPerSecond, eachMs: new Map(), processes: [{ role: 'train', cpuMsPerStep: 1, bytesInPerStep: 1, bytesOutPerStep: 1, peakRssBytes }] },
]);
const table = (rows: readonly ReturnType<typeof way>[]): { title: string; sentences: number; words: number; rows: readonly ReturnType<typeof way>[] } => ({ title: 't', sentences: 1, words: 1, rows });
const tableOf = (name: string, truncation: string, rows: readonly Measured[]): ReturnType<typeof trainingTable> => {
  const workload = WORKLOADS.find((other) => other.name === name && other.truncation.kind === truncation);
  if (workload === undefined) throw new Error(`no workload ${name}`);
  return trainingTable(workload, rows);
};

const MEASURES = measuresOf({
  limits: { products: [productTable({ m: 640, k: 200, n: 10_000 }, 2, [row(SGEMM, 40), row('simd', 100)])], vectors: [], memoryCopy: { contender: 'memory copy', skipped: 'no' } },
  training: [
    tableOf('lstm-200', 'chunk', [row('simd', 300, 100), row('blas', 100, 500), row('PyTorch', 95, 400)]),
    tableOf('lstm-200-adaptive', 'chunk', [row('simd', 100), row('blas', 50), row('PyTorch', 80)]),
    tableOf('tutorial', 'window', [row('simd', 10), row('PyTorch', 15), row('NumPy tutorial', 80)]),
  ],
  threads: table([way('simd, 1 thread', 100, 800), way('simd, 2 threads', 180), way('simd, 2 runs', 160), way('blas, 2 threads', 640), way('blas, 2 threads, K = 2', 800), way('PyTorch, 1 thread', 200, 400), way('PyTorch, 2 threads', 300), way('PyTorch, 2 ranks', 400)]),
  cluster: table([way('simd, 1 worker', 100), way('simd, 2 workers', 150), way('PyTorch, 2 ranks', 300)]),
});
const reached = (part: string): number | null | undefined => MEASURES.find(({ measure }) => measure.includes(part))?.reached;

describe('the last table', () => {
  it.each([
    ['[640,200]x[200,10000], one core, simd /', 0.4],
    ['lstm-200, one thread, blas / PyTorch', 0.95],
    ['lstm-200, one thread, simd: adaptive head / full softmax', 3],
    ['lstm-200-adaptive, one thread, blas / PyTorch', 1.6],
    ['tutorial, window:4, one thread, simd / PyTorch', 1.5],
    ['tutorial, window:4, one thread, simd / NumPy', 8],
    ["K = 2, blas with 2 threads / best of PyTorch's 3 ways", 2],
    ["K = 4, blas with 2 threads / best of PyTorch's 3 ways", 1.6],
    ['K = 4, simd: 2 threads / 1 thread', 1.8],
    ['K = 4, simd: 2 runs of 1 thread at once / 1 run', 1.6],
    ['simd: cluster of 2 workers / 1 worker', 1.5],
    ['simd: cluster of 2 workers / PyTorch DDP', 0.5],
    ['PyTorch / simd, the step alone', 4],
    ['PyTorch / bptt train, simd', 0.5],
  ])('has %s', (part, value) => {
    expect(reached(part)).toBeCloseTo(value, 12);
  });

  it('knows nothing of what was not measured, and says so', () => {
    expect(reached('gru-256, one thread, blas')).toBeNull();
    expect(measuresOf({ training: [] }).every((measure) => measure.reached === null)).toBe(true);
    expect(measuresText([
      { measure: 'a', reached: 0.5, fastest: 0.4, wanted: 0.38 }, { measure: 'b', reached: 0.3, fastest: 0.4, wanted: 0.38 }, { measure: 'c', reached: null, fastest: null, wanted: 1 },
      { measure: 'd', reached: 1.5, fastest: 2, wanted: null },
    ]).split('\n')).toEqual([
      'measure  reached  fastest rounds  wanted',
      'a            0.5             0.4    0.38  reached',
      'b            0.3             0.4    0.38  missed',
      'c              -               -       1  not measured',
      'd            1.5               2       -  the machine',
    ]);
  });

  it('compares the fastest rounds of both sides as well', () => {
    const rounds = (contender: string, samplesMs: readonly number[]): Measured => ({ ...row(contender, samplesMs[1]), samplesMs });
    const [blas] = measuresOf({ training: [tableOf('lstm-200', 'chunk', [rounds('blas', [50, 100, 120]), rounds('PyTorch', [95, 100, 110])])] }).filter(({ measure }) => measure.includes('lstm-200, one thread, blas / PyTorch'));
    expect(blas).toMatchObject({ reached: 1, wanted: 0.95 });
    expect(blas.fastest).toBeCloseTo(1.9, 12);
  });

  it("does not take PyTorch's best way from two of three", () => {
    const ofBest = measuresOf({ training: [], threads: table([...['blas', 'simd-relaxed'].flatMap((backend) => [way(`${backend}, 2 threads`, 640), way(`${backend}, 2 threads, K = 2`, 640)]), way('PyTorch, 1 thread', 200)]) }).filter(({ measure }) => measure.includes('3 ways'));
    expect(ofBest.map((measure) => measure.reached)).toEqual([null, null, null, null]);
  });
});
