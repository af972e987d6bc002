import type { Contender } from './contender.js';
import { measureOpen } from './measure-open.js';
import { median, takeTurns, type Rounds } from './rounds.js';
import { processShares, usagesOf, type ProcessShare, type StepWindow } from './step-window.js';

/** One way of using the machine for the same training. */
export interface Way {
  readonly name: string;
  /** Microshards of a batch (K); ranks of PyTorch, which has none, cut the batch into as many. */
  readonly microshards: number;
  readonly threads: number;
  /** Workers or ranks. */
  readonly workers: number;
  /** Gets ready; what it returns measures some steps each time. @throws Unavailable */
  open(): Promise<OpenWay>;
}

export interface OpenWay {
  readonly executes: string;
  readonly measure: () => Promise<WayWindow>;
  close(): Promise<void>;
}

/** Some steps of a way, with what is known of a cluster alone. */
export interface WayWindow extends StepWindow {
  readonly parts?: StepParts;
  /** Longest pause of the server's event loop since it began. */
  readonly eventLoopPauseMs?: number;
}

/** Where the time of a step goes: medians over the steps, of the worker that took longest. */
export interface StepParts {
  readonly pullMs: number;
  readonly computeMs: number;
  readonly pushMs: number;
  /** What is left of the step: verification, sum, update, hash and the news of the next step. */
  readonly serverMs: number;
}

/** What a way reached. */
export interface WayResult extends Omit<Way, 'open'> {
  readonly executes: string;
  readonly stepMs: number;
  readonly tokensPerSecond: number;
  readonly samplesMs: readonly number[];
  /** Medians over the rounds; the peak of memory is the highest. */
  readonly processes: readonly ProcessShare[];
  readonly parts: StepParts | null;
  readonly eventLoopPauseMs: number | null;
}

export type WayRow = WayResult | { readonly name: string; readonly skipped: string };

/** Every way in turn. */
export function measureWays(ways: readonly Way[], rounds: Rounds): Promise<WayRow[]> {
  return measureOpen<Way, OpenWay, WayRow>(ways, async (open) => {
    const windows = await takeTurns(open, rounds, ({ opened }) => opened.measure());
    return open.map(({ entrant, opened }, i) => summarize(entrant, opened.executes, windows[i]));
  }, (name, skipped) => ({ name, skipped }));
}

/** The medians of some windows. */
export function summarize({ name, microshards, threads, workers }: Omit<Way, 'open'>, executes: string, windows: readonly WayWindow[]): WayResult {
  const of = (read: (window: WayWindow) => number): number => median(windows.map(read));
  const roles = [...new Set(windows.flatMap(({ processes }) => processes.map(({ role }) => role)))];
  const parts = windows.flatMap((window) => window.parts ?? []);
  const pauses = windows.flatMap(({ eventLoopPauseMs }) => eventLoopPauseMs ?? []);
  const part = (key: keyof StepParts): number => median(parts.map((one) => one[key]));
  return {
    name, microshards, threads, workers, executes,
    stepMs: of(({ stepMs }) => stepMs), tokensPerSecond: of(({ tokensPerSecond }) => tokensPerSecond), samplesMs: windows.map(({ stepMs }) => stepMs),
    processes: roles.map((role) => {
      const shares = windows.flatMap(({ processes }) => processes.filter((share) => share.role === role));
      const middle = (key: 'cpuMsPerStep' | 'bytesInPerStep' | 'bytesOutPerStep'): number => median(shares.map((share) => share[key]));
      return {
        role, cpuMsPerStep: middle('cpuMsPerStep'), bytesInPerStep: middle('bytesInPerStep'), bytesOutPerStep: middle('bytesOutPerStep'),
        peakRssBytes: Math.max(...shares.map(({ peakRssBytes }) => peakRssBytes)),
      };
    }),
    parts: parts.length === 0 ? null : { pullMs: part('pullMs'), computeMs: part('computeMs'), pushMs: part('pushMs'), serverMs: part('serverMs') },
    eventLoopPauseMs: pauses.length === 0 ? null : Math.max(...pauses),
  };
}

/** Steps after a rest that do not count: caches fill again. */
export const SETTLING_STEPS = 3;

/** A contender that makes a step when asked, as a way. @param tokens of a step */
export function contenderWay(contender: Contender, tokens: number, steps: number): OpenWay {
  const roles = new Map(contender.pids.map((pid, rank) => [`rank ${String(rank)}`, pid]));
  return {
    executes: contender.executes,
    async measure() {
      for (let step = 0; step < SETTLING_STEPS; step += 1) await contender.step();
      const before = usagesOf(roles);
      let ms = 0;
      for (let step = 0; step < steps; step += 1) ms += await contender.step();
      return { stepMs: ms / steps, tokensPerSecond: (tokens * steps * 1e3) / ms, eachMs: new Map(), processes: processShares(before, usagesOf(roles), steps) };
    },
    close: () => contender.close(),
  };
}
