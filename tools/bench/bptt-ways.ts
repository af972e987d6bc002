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
import { TrainRun, windowsAtOnce } from './train-run.js';
import { SETTLING_STEPS, type StepParts, type Way, type WayWindow } from './way.js';
import type { Workload } from './workload.js';

const WORKER = fileURLToPath(new URL('./cluster-worker.js', import.meta.url));
/** Steps until code is compiled and memory taken; the processes of others are warm too. */
const WARM_UP_STEPS = 40;
/** Longest that a server may take to start. */
const START_TIMEOUT_MS = 300_000;

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

/** `bptt train --threads n`: the command itself. */
export function trainWay(options: BpttWayOptions, threads: number): Way {
  return runsWay(options, { threads, command: 'bptt train', roles: ['train'] });
}

/** Two runs of `bptt train --threads 1` at once, which share nothing: what the cores of this machine give to two programs. Its rate is that of both. */
export function twoRunsWay(options: BpttWayOptions): Way {
  return runsWay(options, { threads: 1, command: '2 x bptt train', roles: ['run 1', 'run 2'] });
}

/** Runs that work at once, one for each role, warmed up when opened; they stay, and rest between windows. */
function runsWay(options: BpttWayOptions, { threads, command, roles }: Pick<Way, 'threads'> & { readonly command: string; readonly roles: readonly string[] }): Way {
  const { name, backend, microshards, steps } = options;
  return {
    name, microshards, threads, workers: 1,
    open: async () => {
      const executes = `${command}, ${await backendIdOf(backend)}`;
      const runs = roles.map((role) => new TrainRun([BPTT, 'train', ...wordsOf(options), `--threads=${String(threads)}`], role));
      const close = async (): Promise<void> => { await Promise.all(runs.map((run) => run.close())); };
      try {
        await windowsAtOnce(runs, { warmUpSteps: WARM_UP_STEPS, steps: 1 });
      } catch (error) {
        await close();
        throw error;
      }
      return { executes, measure: async () => together(await windowsAtOnce(runs, { warmUpSteps: SETTLING_STEPS, steps })), close };
    },
  };
}

/** A window of several runs. */
function together(windows: readonly StepWindow[]): WayWindow {
  const sum = (read: (window: StepWindow) => number): number => windows.reduce((total, window) => total + read(window), 0);
  return {
    stepMs: sum(({ stepMs }) => stepMs) / windows.length, tokensPerSecond: sum(({ tokensPerSecond }) => tokensPerSecond), eachMs: new Map(),
    processes: windows.flatMap(({ processes }) => processes),
  };
}

/** `bptt serve` and as many workers with one thread each, every one a process of its own, started anew for every window. */
export function clusterWay(options: BpttWayOptions, workers: number): Way {
  const { name, backend, microshards } = options;
  return {
    name, microshards, threads: 1, workers,
    open: async () => ({
      executes: `bptt serve, ${String(workers)} x bptt work, ${await backendIdOf(backend)}`, measure: () => clusterWindow(options, workers), close: () => Promise.resolve(),
    }),
  };
}

function wordsOf({ workload, microshards, newPlace, backend }: BpttWayOptions): string[] {
  return [...trainingWords(workload, microshards, newPlace()), `--backend=${backend}`];
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
    const address = String((await inTime(server.next('listening'), 'server', START_TIMEOUT_MS))['address']);
    const onEvent = (event: JsonEvent): void => {
      if (event['kind'] === 'LEASE_KIND_TRAIN') leases.push(event as unknown as LeaseParts & { readonly step: number });
    };
    for (let i = 0; i < workers; i += 1) nodes.push(new JsonProcess({ arguments: [WORKER, address, '1'], onEvent }));
    const window = await watch.whileRunning([server, ...nodes]);
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
