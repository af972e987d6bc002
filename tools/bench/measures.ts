import { FAST_BACKENDS } from './backends.js';
import { productName, productRow, PRODUCTS, SGEMM, type Limits } from './limits-table.js';
import { measuredRow, type Measured } from './measure.js';
import { median } from './rounds.js';
import { textTable, threeDigits } from './text-table.js';
import { NUMPY, PYTORCH, type TrainingResult, type TrainingTable } from './training-table.js';
import type { WayResult } from './way.js';
import { clusterName, TORCH_NAMES, TORCH_RANKS_NAME, trainCutAsRanksName, trainName, twoRunsName, type WaysTable } from './ways-table.js';

/** What the benchmark is judged by: something that was reached beside what is wanted at least. */
export interface Measure {
  readonly measure: string;
  /** By medians. Null where this run did not measure it, or a contender is not here. */
  readonly reached: number | null;
  /**
   * The same by the fastest round of each side: what a machine would show whose other programs rest. Null where `reached` is, and for what has no rounds. Nothing is
   * judged by it.
   */
  readonly fastest: number | null;
  /** Null for what belongs to the machine, not to bptt. */
  readonly wanted: number | null;
}

/** What measures are taken from. Parts that were not measured are missing. */
export interface MeasureSources {
  readonly limits?: Limits | undefined;
  readonly training: readonly TrainingTable[];
  readonly threads?: WaysTable | undefined;
  readonly cluster?: WaysTable | undefined;
}

/** Every measure, all of one run. */
export function measuresOf(sources: MeasureSources): Measure[] {
  return [...productMeasures(sources), ...oneThreadMeasures(sources), ...adaptiveMeasures(sources), ...machineMeasures(sources), ...memoryMeasures(sources)];
}

export function measuresText(measures: readonly Measure[]): string {
  const digits = (value: number | null): string => (value === null ? '-' : threeDigits(value));
  const cells = measures.map(({ measure, reached, fastest, wanted }) => [measure, digits(reached), digits(fastest), digits(wanted), verdict(reached, wanted)]);
  return textTable([['measure', 'reached', 'fastest rounds', 'wanted', ''], ...cells]);
}

function verdict(reached: number | null, wanted: number | null): string {
  if (reached === null) return 'not measured';
  if (wanted === null) return 'the machine';
  return reached >= wanted ? 'reached' : 'missed';
}

/** A rate by the median of its rounds, and by the fastest of them. */
interface Rate {
  readonly median: number;
  readonly fastest: number;
}

/** @param rate by the median of `samplesMs` */
function rateOf(rate: number, samplesMs: readonly number[]): Rate {
  return { median: rate, fastest: (rate * median(samplesMs)) / Math.min(...samplesMs) };
}

function ratio(over: Rate | undefined, under: Rate | undefined): Pick<Measure, 'reached' | 'fastest'> {
  if (over === undefined || under === undefined) return { reached: null, fastest: null };
  return { reached: over.median / under.median, fastest: over.fastest / under.fastest };
}

function productMeasures({ limits }: MeasureSources): Measure[] {
  const wanted = [['simd', 0.38], ['simd-relaxed', 0.5]] as const;
  return PRODUCTS.flatMap((shape) => {
    const rate = (contender: string): Rate | undefined => {
      const row = limits && productRow(limits, shape, contender);
      return row && rateOf(row.gflopPerSecond, row.samplesMs);
    };
    return wanted.map(([backend, least]) => ({ measure: `${productName(shape)}, one core, ${backend} / ${SGEMM}`, ...ratio(rate(backend), rate(SGEMM)), wanted: least }));
  });
}

/** Which table of training; without a truncation the first of the workload. */
interface TableName {
  readonly workload: string;
  readonly truncation?: string;
}

/** Tokens/s of a contender, one thread; undefined where it was not measured. */
function trainingRate(training: readonly TrainingTable[], table: TableName, contender: string): Rate | undefined {
  const found = training.find(({ workload, truncation }) => workload === table.workload && (table.truncation === undefined || truncation === table.truncation));
  const row = found && measuredRow<TrainingResult>(found.rows, contender);
  return row && rateOf(row.tokensPerSecond, row.samplesMs);
}

const TUTORIAL_PEERS: readonly (readonly [backend: string, peer: string, wanted: number])[] = [
  ['simd', PYTORCH, 1.2], ['simd', NUMPY, 9], ['simd-relaxed', PYTORCH, 1.4], ['blas', PYTORCH, 1.7],
];

/** A backend by a peer, one thread each. */
function peerMeasure(training: readonly TrainingTable[], table: TableName, backend: string, peer: string, wanted: number): Measure {
  return {
    measure: `${[table.workload, table.truncation].filter((name) => name !== undefined).join(', ')}, one thread, ${backend} / ${peer}`,
    ...ratio(trainingRate(training, table, backend), trainingRate(training, table, peer)), wanted,
  };
}

/** The tutorial's measures are of both truncations: whoever says `window:4` and who says `full` shall find it fast. */
function oneThreadMeasures({ training }: MeasureSources): Measure[] {
  const measure = (table: TableName, backend: string, peer: string, wanted: number): Measure => peerMeasure(training, table, backend, peer, wanted);
  const truncations = ['window:4', 'full'];
  return [
    ...['lstm-200', 'gru-256'].flatMap((workload) => [measure({ workload }, 'blas', PYTORCH, 0.95), measure({ workload }, 'simd-relaxed', PYTORCH, 0.45)]),
    ...truncations.flatMap((truncation) => TUTORIAL_PEERS.map(([backend, peer, wanted]) => measure({ workload: 'tutorial', truncation }, backend, peer, wanted))),
    ...truncations.flatMap((truncation) => ([['blas', 1], ['simd-relaxed', 0.5]] as const).map(([backend, wanted]) => measure({ workload: 'tutorial-32', truncation }, backend, PYTORCH, wanted))),
  ];
}

function adaptiveMeasures({ training }: MeasureSources): Measure[] {
  const [full, adaptive] = [{ workload: 'lstm-200' }, { workload: 'lstm-200-adaptive' }];
  return [
    ...FAST_BACKENDS.map((backend) => ({
      measure: `lstm-200, one thread, ${backend}: adaptive head / full softmax`, ...ratio(trainingRate(training, adaptive, backend), trainingRate(training, full, backend)), wanted: 2.5,
    })),
    peerMeasure(training, adaptive, 'blas', PYTORCH, 1.2),
  ];
}

/** Tokens/s of a way, where it was measured. */
function wayRate(table: WaysTable | undefined, name: string): Rate | undefined {
  const row = wayRow(table, name);
  return row && rateOf(row.tokensPerSecond, row.samplesMs);
}

function wayRow(table: WaysTable | undefined, name: string): WayResult | undefined {
  return table?.rows.find((row): row is WayResult => row.name === name && !('skipped' in row));
}

function machineMeasures({ threads, cluster }: MeasureSources): Measure[] {
  const peers = TORCH_NAMES.map((name) => wayRate(threads, name));
  // The best of three, so of all three: one that is missing may have been the best.
  const best = peers.every((rate) => rate !== undefined) ? { median: Math.max(...peers.map((rate) => rate.median)), fastest: Math.max(...peers.map((rate) => rate.fastest)) } : undefined;
  const clusters = FAST_BACKENDS.filter((backend) => wayRate(cluster, clusterName(backend, 2)) !== undefined);
  return [
    ...([['blas', 1.6], ['simd-relaxed', 0.85]] as const).flatMap(([backend, wanted]) => ([['K = 2', trainCutAsRanksName(backend)], ['K = 4', trainName(backend, 2)]] as const).map(([cut, name]) => ({
      measure: `lstm-200, whole machine, ${cut}, ${backend} with 2 threads / best of PyTorch's 3 ways`, ...ratio(wayRate(threads, name), best), wanted,
    }))),
    ...FAST_BACKENDS.flatMap((backend) => [
      { measure: `lstm-200, K = 4, ${backend}: 2 threads / 1 thread`, ...ratio(wayRate(threads, trainName(backend, 2)), wayRate(threads, trainName(backend, 1))), wanted: 1.75 },
      { measure: `lstm-200, K = 4, ${backend}: 2 runs of 1 thread at once / 1 run`, ...ratio(wayRate(threads, twoRunsName(backend)), wayRate(threads, trainName(backend, 1))), wanted: null },
    ]),
    ...(clusters.length === 0 ? ['blas'] : clusters).flatMap((backend) => [
      { measure: `lstm-200, batch 40, K = 4, ${backend}: cluster of 2 workers / 1 worker`, ...ratio(wayRate(cluster, clusterName(backend, 2)), wayRate(cluster, clusterName(backend, 1))), wanted: 1.4 },
      { measure: `lstm-200, batch 40, ${backend}: cluster of 2 workers / PyTorch DDP, 2 ranks`, ...ratio(wayRate(cluster, clusterName(backend, 2)), wayRate(cluster, TORCH_RANKS_NAME)), wanted: 1 },
    ]),
  ];
}

/** PyTorch's peak memory by bptt's, of a bare training step and of the whole command: above 1 bptt needs less. */
function memoryMeasures({ training, threads }: MeasureSources): Measure[] {
  const rows = training.find(({ workload }) => workload === 'lstm-200')?.rows ?? [];
  const peak = (contender: string): number | undefined => measuredRow<Measured>(rows, contender)?.peakRssBytes ?? undefined;
  const command = (name: string): number | undefined => wayRow(threads, name)?.processes.at(0)?.peakRssBytes;
  return FAST_BACKENDS.flatMap((backend) => [
    { measure: `lstm-200, one thread, peak memory: PyTorch / ${backend}, the step alone`, ...memoryRatio(peak(PYTORCH), peak(backend)), wanted: 1 },
    { measure: `lstm-200, one thread, peak memory: PyTorch / bptt train, ${backend}`, ...memoryRatio(command(TORCH_NAMES[0]), command(trainName(backend, 1))), wanted: 1 },
  ]);
}

function memoryRatio(over: number | undefined, under: number | undefined): Pick<Measure, 'reached' | 'fastest'> {
  return { reached: over === undefined || under === undefined ? null : over / under, fastest: null };
}
