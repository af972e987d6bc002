import { join } from 'node:path';
import { FAST_BACKENDS } from './backend-contender.js';
import { clusterWay, trainWay } from './bptt-ways.js';
import { Unavailable } from './contender.js';
import { writeCorpus } from './generated-corpus.js';
import { torchEntrant, type TorchWay } from './python-contender.js';
import { withTemporaryFolder } from './temporary-folder.js';
import { counted } from './text-table.js';
import { backendIdOf, contenderWay, measureWays, type Way, type WayRow } from './way.js';
import { lstm200, type Workload } from './workload.js';

/** Microshards of a batch (K) wherever threads or workers are compared. */
export const K = 4;
/** Steps of a window, after those that warm up. */
const STEPS = 10;
/** As many words as some passes of a window of the larger batch need. */
const CORPUS_WORDS = 200_000;

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

export const THREADS_WORKLOAD = lstm200('lstm-200', 20);
export const CLUSTER_WORKLOAD = lstm200('lstm-200, batch 40', 40);

/** Names of ways, by which measures find them. */
export const trainName = (backend: string, threads: number): string => `${backend}, ${counted(threads, 'thread')}`;
export const clusterName = (backend: string, workers: number): string => `${backend}, ${counted(workers, 'worker')}`;
export const torchName = ({ threads, ranks }: TorchWay): string => (ranks > 1 ? `PyTorch, ${String(ranks)} ranks` : `PyTorch, ${counted(threads, 'thread')}`);
/** The three ways in which PyTorch may use two cores. */
export const TORCH_NAMES: readonly string[] = [ONE, TWO_THREADS, TWO_RANKS].map(torchName);
export const TORCH_RANKS_NAME = torchName(TWO_RANKS);

/** `lstm-200` on one and two threads, every fast backend beside the three ways of PyTorch. */
export function measureThreads(rounds: number): Promise<WaysTable> {
  return withCorpus(THREADS_WORKLOAD, async (folder) => {
    const ways = FAST_BACKENDS.flatMap((backend) => [1, 2].map((threads) => trainWay({ ...common(THREADS_WORKLOAD, folder), name: trainName(backend, threads), backend }, threads)));
    return measureTable(THREADS_WORKLOAD, [...ways, ...[ONE, TWO_THREADS, TWO_RANKS].map((way) => torchWay(THREADS_WORKLOAD, way))], rounds);
  });
}

/** `lstm-200`, 40 lanes, on clusters of one and two workers with the fastest backend of this machine, beside two ranks of PyTorch. */
export function measureCluster(rounds: number): Promise<WaysTable> {
  return withCorpus(CLUSTER_WORKLOAD, async (folder) => {
    const backend = await fastestBackend();
    const ways = [1, 2].map((workers) => clusterWay({ ...common(CLUSTER_WORKLOAD, folder), name: clusterName(backend, workers), backend }, workers));
    return measureTable(CLUSTER_WORKLOAD, [...ways, torchWay(CLUSTER_WORKLOAD, ONE), torchWay(CLUSTER_WORKLOAD, TWO_RANKS)], rounds);
  });
}

/** The last of `FAST_BACKENDS`, which go from slow to fast, that this machine has. */
export async function fastestBackend(): Promise<string> {
  for (const backend of FAST_BACKENDS.toReversed()) {
    try {
      await backendIdOf(backend);
      return backend;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }
  throw new Error(`expected one of ${FAST_BACKENDS.join(', ')}, this machine has none`);
}

function common(workload: Workload, folder: string): { readonly workload: Workload; readonly microshards: number; readonly steps: number; readonly folder: string } {
  return { workload, microshards: K, steps: STEPS, folder };
}

function torchWay(workload: Workload, way: TorchWay): Way {
  const name = torchName(way);
  return {
    name, microshards: way.ranks, threads: way.threads, workers: way.ranks,
    open: async () => contenderWay(await torchEntrant(name, workload, way).open(), workload.T * workload.B, STEPS),
  };
}

async function measureTable(workload: Workload, ways: readonly Way[], rounds: number): Promise<WaysTable> {
  return { title: workload.name, sentences: workload.B, words: workload.T, rows: await measureWays(ways, rounds) };
}

function withCorpus(workload: Workload, measure: (folder: string) => Promise<WaysTable>): Promise<WaysTable> {
  return withTemporaryFolder('bptt-bench-', async (folder) => {
    await writeCorpus(join(folder, 'corpus'), workload.model.vocabulary, CORPUS_WORDS);
    return measure(folder);
  });
}
