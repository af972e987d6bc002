import { inTime } from './in-time.js';
import type { JsonEvent, JsonProcess } from './json-process.js';
import { readUsage, type ProcessUsage } from './process-usage.js';

/** Longest that a window may take, the start of its workers included. */
const WINDOW_TIMEOUT_MS = 300_000;

/** What one process did in a window of steps. */
export interface ProcessShare {
  /** `train`, `server`, `worker 1`, `rank 0`. */
  readonly role: string;
  readonly cpuMsPerStep: number;
  readonly bytesInPerStep: number;
  readonly bytesOutPerStep: number;
  /** Since it began. */
  readonly peakRssBytes: number;
}

/** Some steps in a row. */
export interface StepWindow {
  readonly stepMs: number;
  readonly tokensPerSecond: number;
  /** What each step took, by its number, counted from 1; empty where the steps were not watched one by one. */
  readonly eachMs: ReadonlyMap<number, number>;
  /** Empty where the system does not tell. */
  readonly processes: readonly ProcessShare[];
}

/** Whose use of the machine is looked at, by role. */
export type Roles = ReadonlyMap<string, number>;

/** What each process has used until now. */
export function usagesOf(roles: Roles): Map<string, ProcessUsage> {
  return new Map([...roles].flatMap(([role, pid]) => {
    const usage = readUsage(pid);
    return usage === undefined ? [] : [[role, usage] as const];
  }));
}

/** What processes did between two looks. Those that were not there at both are left out. */
export function processShares(before: ReadonlyMap<string, ProcessUsage>, after: ReadonlyMap<string, ProcessUsage>, steps: number): ProcessShare[] {
  return [...after].flatMap(([role, end]) => {
    const begin = before.get(role);
    if (begin === undefined) return [];
    const perStep = (key: 'cpuSeconds' | 'bytesIn' | 'bytesOut'): number => (end[key] - begin[key]) / steps;
    return [{ role, cpuMsPerStep: perStep('cpuSeconds') * 1e3, bytesInPerStep: perStep('bytesIn'), bytesOutPerStep: perStep('bytesOut'), peakRssBytes: end.peakRssBytes }];
  });
}

export interface WindowOptions {
  /** Workers that must join, while it watches, before a step counts. */
  readonly workers: number;
  /** Steps with all workers that are not measured. */
  readonly warmUpSteps: number;
  /** Steps that are measured. */
  readonly steps: number;
  /** Processes to look at. */
  readonly roles: () => Roles;
}

/** Watches the events of a run until it has seen enough steps. */
export class WindowWatch {
  /** Resolves when all steps are made. */
  readonly done: Promise<StepWindow>;
  readonly #options: WindowOptions;
  #joined = 0;
  #warm = 0;
  #begin: { readonly atMs: number; readonly usages: Map<string, ProcessUsage> } | undefined;
  readonly #eachMs = new Map<number, number>();
  #lastMs = 0;
  #tokens = 0;
  #finish: (window: StepWindow) => void = () => undefined;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** As `done`, unless one of `processes` ends before or too much time goes by: then it rejects. */
  whileRunning(processes: readonly JsonProcess[]): Promise<StepWindow> {
    return inTime(Promise.race([this.done, ...processes.map(({ failed }) => failed)]), 'window of steps', WINDOW_TIMEOUT_MS);
  }

  see({ event, step, tokens }: JsonEvent, atMs: number): void {
    const { workers, warmUpSteps, steps, roles } = this.#options;
    if (event === 'worker-joined') this.#joined += 1;
    if (event !== 'step' || this.#joined < workers || this.#eachMs.size === steps) return;
    if (this.#begin === undefined) {
      this.#warm += 1;
      // The step that ends here may have begun before the last worker joined.
      if (this.#warm > warmUpSteps) this.#begin = { atMs, usages: usagesOf(roles()) };
      this.#lastMs = atMs;
      return;
    }
    this.#eachMs.set(Number(step), atMs - this.#lastMs);
    this.#lastMs = atMs;
    this.#tokens += Number(tokens);
    if (this.#eachMs.size < steps) return;
    const ms = atMs - this.#begin.atMs;
    this.#finish({ stepMs: ms / steps, tokensPerSecond: (this.#tokens * 1e3) / ms, eachMs: this.#eachMs, processes: processShares(this.#begin.usages, usagesOf(roles()), steps) });
  }
}
