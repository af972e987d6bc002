import { fileURLToPath } from 'node:url';
import { BpttClient } from '@bptt/rpc';
import { backendIdOf } from './backends.js';
import { BPTT, trainingWords } from './command.js';
import type { RunPlace } from './generated-corpus.js';
import { inTime } from './in-time.js';
import { JsonProcess, type JsonEvent } from './json-process.js';
import { median } from './rounds.js';
import { WindowWatch, type StepWindow } from './step-window.js';
import type { LeaseParts } from './timed-connection.js';
import type { OpenWay, StepParts, Way, WayWindow } from './way.js';
import type { Workload } from './workload.js';

const WORKER = fileURLToPath(new URL('./cluster-worker.js', import.meta.url));
/** Until code is compiled and memory is there; the processes of others, which stay, are warm too. */
const WARM_UP_STEPS = 10;
/** Longest that a window may take, the start of its workers included, and its server to start. */
const WINDOW_TIMEOUT_MS = 300_000;

export interface BpttWayOptions {
  readonly name: string;
  readonly backend: string;
  readonly workload: Workload;
  readonly microshards: number;
  /** Steps of a window. */
  readonly steps: number;
  /** Where the next run reads and writes. */
  readonly newPlace: () => RunPlace;
}

/** `bptt train --threads n`: the command itself, started anew for every window. */
export function trainWay(options: BpttWayOptions, threads: number): Way {
  return bpttWay(options, { threads, workers: 1, command: 'bptt train', measure: () => trainWindow(options, threads) });
}

/** Two runs of `bptt train --threads 1` at once, which share nothing: what the cores of this machine give to two programs. Its rate is that of both. */
export function twoRunsWay(options: BpttWayOptions): Way {
  return bpttWay(options, { threads: 1, workers: 1, command: '2 x bptt train', measure: () => twoRunsWindow(options) });
}

/** `bptt serve` and as many workers with one thread each, every one a process of its own, started anew for every window. */
export function clusterWay(options: BpttWayOptions, workers: number): Way {
  return bpttWay(options, { threads: 1, workers, command: `bptt serve, ${String(workers)} x bptt work`, measure: () => clusterWindow(options, workers) });
}

function bpttWay({ name, backend, microshards }: BpttWayOptions, { threads, workers, command, measure }: Pick<Way, 'threads' | 'workers'> & Pick<OpenWay, 'measure'> & { readonly command: string }): Way {
  return {
    name, microshards, threads, workers,
    open: async () => ({ executes: `${command}, ${await backendIdOf(backend)}`, measure, close: () => Promise.resolve() }),
  };
}

function wordsOf({ workload, microshards, newPlace, backend }: BpttWayOptions): string[] {
  return [...trainingWords(workload, microshards, newPlace()), `--backend=${backend}`];
}

function trainWindow(options: BpttWayOptions, threads: number): Promise<WayWindow> {
  return whileTraining(options, { role: 'train', threads }, (window) => window);
}

async function twoRunsWindow(options: BpttWayOptions): Promise<WayWindow> {
  // Neither is stopped before the other has seen enough.
  const [one, other] = await whileTraining(options, { role: 'run 1', threads: 1 }, (first) =>
    whileTraining(options, { role: 'run 2', threads: 1 }, (second) => Promise.all([first, second])));
  return {
    stepMs: (one.stepMs + other.stepMs) / 2, tokensPerSecond: one.tokensPerSecond + other.tokensPerSecond, eachMs: new Map(), processes: [...one.processes, ...other.processes],
  };
}

/** Runs `bptt train` until what `use` makes of its window is there. */
async function whileTraining<T>(options: BpttWayOptions, { role, threads }: { readonly role: string; readonly threads: number }, use: (window: Promise<StepWindow>) => Promise<T>): Promise<T> {
  const watch = new WindowWatch({ workers: 1, warmUpSteps: WARM_UP_STEPS, steps: options.steps, roles: () => new Map([[role, train.pid]]) });
  const train = new JsonProcess({ arguments: [BPTT, 'train', ...wordsOf(options), `--threads=${String(threads)}`], onEvent: (event, atMs) => { watch.see(event, atMs); } });
  try {
    return await use(windowOf(watch, [train]));
  } finally {
    await train.stop();
  }
}

async function clusterWindow(options: BpttWayOptions, workers: number): Promise<WayWindow> {
  const leases: (LeaseParts & { readonly step: number })[] = [];
  const nodes: JsonProcess[] = [];
  const watch = new WindowWatch({
    workers, warmUpSteps: WARM_UP_STEPS, steps: options.steps,
    roles: () => new Map([['server', server.pid], ...nodes.map(({ pid }, i) => [`worker ${String(i + 1)}`, pid] as const)]),
  });
  const server = new JsonProcess({ arguments: [BPTT, 'serve', ...wordsOf(options), '--listen=127.0.0.1:0'], onEvent: (event, atMs) => { watch.see(event, atMs); } });
  try {
    const address = String((await inTime(server.next('listening'), 'server', WINDOW_TIMEOUT_MS))['address']);
    const onEvent = (event: JsonEvent): void => {
      if (event['kind'] === 'LEASE_KIND_TRAIN') leases.push(event as unknown as LeaseParts & { readonly step: number });
    };
    for (let i = 0; i < workers; i += 1) nodes.push(new JsonProcess({ arguments: [WORKER, address, '1'], onEvent }));
    const window = await windowOf(watch, [server, ...nodes]);
    const eventLoopPauseMs = await pauseOf(address);
    return { ...window, parts: stepParts(leases, window.eachMs), eventLoopPauseMs };
  } finally {
    for (const node of nodes) node.release();
    await server.stop();
    for (const node of nodes) await node.stop();
  }
}

/**
 * Medians over the steps of a window.
 * @param leases of all workers; each counts steps from 0
 * @param eachMs what each step took, by its number, counted from 1
 */
export function stepParts(leases: readonly (LeaseParts & { readonly step: number })[], eachMs: ReadonlyMap<number, number>): StepParts {
  const busyMs = ({ pullMs, computeMs, pushMs }: LeaseParts): number => pullMs + computeMs + pushMs;
  const longest = new Map<number, LeaseParts>();
  for (const lease of leases) {
    const other = longest.get(lease.step + 1);
    if (eachMs.has(lease.step + 1) && (other === undefined || busyMs(lease) > busyMs(other))) longest.set(lease.step + 1, lease);
  }
  const part = (key: keyof LeaseParts): number => median([...longest.values()].map((lease) => lease[key]));
  const serverMs = median([...longest].map(([step, lease]) => (eachMs.get(step) ?? NaN) - busyMs(lease)));
  return { pullMs: part('pullMs'), computeMs: part('computeMs'), pushMs: part('pushMs'), serverMs };
}

async function pauseOf(address: string): Promise<number> {
  const client = new BpttClient(address);
  try {
    return (await client.getStatus()).eventLoopPauseMsMax;
  } finally {
    client.close();
  }
}

/** What `watch` sees, unless one of the processes ends or too much time goes by. */
function windowOf(watch: WindowWatch, processes: readonly JsonProcess[]): Promise<StepWindow> {
  return inTime(Promise.race([watch.done, ...processes.map(({ failed }) => failed)]), 'window of steps', WINDOW_TIMEOUT_MS);
}
