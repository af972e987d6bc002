import { FAST_BACKENDS, fastestBackend } from './backends.js';
import { clusterWay, trainWay, twoRunsWay, type BpttWayOptions } from './bptt-ways.js';
import { withCorpus, type RunPlace } from './generated-corpus.js';
import { torchEntrant, type TorchWay } from './python-contender.js';
import type { Rounds } from './rounds.js';
import { counted } from './text-table.js';
import { contenderWay, measureWays, type Way, type WayRow } from './way.js';
import { lstm200, type Workload } from './workload.js';

/** Microshards of a batch (K) wherever threads or workers are compared with fewer. */
const K = 4;
/** As many as PyTorch's two ranks cut a batch into: one for each core. */
const K_OF_TWO_RANKS = 2;
/** Steps of a window, after those that warm up. */
const STEPS = 10;
/** Some 570 steps of 20 lanes: most runs of the benchmark end before they have gone through it. */
const CORPUS_WORDS = 400_000;

const ONE: TorchWay = { threads: 1, ranks: 1 };
const TWO_THREADS: TorchWay = { threads: 2, ranks: 1 };
const TWO_RANKS: TorchWay = { threads: 1, ranks: 2 };

/** Ways of using the machine for one workload. */
export interface WaysTable {
  readonly title: string;
  readonly sentences: number;
  readonly words: number;
  readonly rows: readonly WayRow[];
}

const THREADS_WORKLOAD = lstm200('lstm-200', 20);
const CLUSTER_WORKLOAD = lstm200('lstm-200, batch 40', 40);

/** Names of ways, by which measures find them. */
export const trainName = (backend: string, threads: number): string => `${backend}, ${counted(threads, 'thread')}`;
export const trainCutAsRanksName = (backend: string): string => `${trainName(backend, 2)}, K = ${String(K_OF_TWO_RANKS)}`;
export const twoRunsName = (backend: string): string => `${backend}, 2 runs`;
export const clusterName = (backend: string, workers: number): string => `${backend}, ${counted(workers, 'worker')}`;
const torchName = ({ threads, ranks }: TorchWay): string => (ranks > 1 ? `PyTorch, ${String(ranks)} ranks` : `PyTorch, ${counted(threads, 'thread')}`);
/** The three ways in which PyTorch may use two cores. */
export const TORCH_NAMES: readonly string[] = [ONE, TWO_THREADS, TWO_RANKS].map(torchName);
export const TORCH_RANKS_NAME = torchName(TWO_RANKS);

/** `lstm-200` on one and two threads, in two runs at once, and cut as by two ranks, every fast backend beside the three ways of PyTorch. */
export function measureThreads(rounds: Rounds): Promise<WaysTable> {
  return withCorpus(THREADS_WORKLOAD, CORPUS_WORDS, (newPlace) => {
    const ways = FAST_BACKENDS.flatMap((backend) => [
      ...[1, 2].map((threads) => trainWay({ ...common(THREADS_WORKLOAD, newPlace), name: trainName(backend, threads), backend }, threads)),
      twoRunsWay({ ...common(THREADS_WORKLOAD, newPlace), name: twoRunsName(backend), backend }),
      trainWay({ ...common(THREADS_WORKLOAD, newPlace), name: trainCutAsRanksName(backend), backend, microshards: K_OF_TWO_RANKS }, 2),
    ]);
    return measureTable(THREADS_WORKLOAD, [...ways, ...[ONE, TWO_THREADS, TWO_RANKS].map((way) => torchWay(THREADS_WORKLOAD, way))], rounds);
  });
}

/** `lstm-200`, 40 lanes, on clusters of one and two workers with the fastest backend of this machine, beside two ranks of PyTorch. */
export function measureCluster(rounds: Rounds): Promise<WaysTable> {
  return withCorpus(CLUSTER_WORKLOAD, CORPUS_WORDS, async (newPlace) => {
    const backend = await fastestBackend();
    const ways = [1, 2].map((workers) => clusterWay({ ...common(CLUSTER_WORKLOAD, newPlace), name: clusterName(backend, workers), backend }, workers));
    return measureTable(CLUSTER_WORKLOAD, [...ways, torchWay(CLUSTER_WORKLOAD, ONE), torchWay(CLUSTER_WORKLOAD, TWO_RANKS)], rounds);
  });
}

function common(workload: Workload, newPlace: () => RunPlace): Omit<BpttWayOptions, 'name' | 'backend'> {
  return { workload, microshards: K, steps: STEPS, newPlace };
}

function torchWay(workload: Workload, way: TorchWay): Way {
  const name = torchName(way);
  return {
    name, microshards: way.ranks, threads: way.threads, workers: way.ranks,
    open: async () => contenderWay(await torchEntrant(name, workload, way).open(), workload.T * workload.B, STEPS),
  };
}

async function measureTable(workload: Workload, ways: readonly Way[], rounds: Rounds): Promise<WaysTable> {
  return { title: workload.name, sentences: workload.B, words: workload.T, rows: await measureWays(ways, rounds) };
}
