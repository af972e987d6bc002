import type { JsonEvent } from './json-process.js';

/** The validation at which a perplexity was reached. */
export interface Reached {
  readonly perplexity: number;
  /** Seconds of training alone, validations left out. */
  readonly trainSeconds: number;
  readonly steps: number;
}

/** How soon something was good. */
export interface QualityResult {
  readonly name: string;
  readonly executes: string;
  /** For each target the first validation that was as low; null where none was in time. */
  readonly targets: readonly { readonly target: number; readonly reached: Reached | null }[];
  /** The lowest of all. */
  readonly best: Reached | null;
  /** Training tokens by seconds of training. */
  readonly tokensPerSecond: number;
}

/** A row of the report: how soon a training was good, or why it did not take part. */
export type QualityRow = QualityResult | { readonly name: string; readonly skipped: string };

/** Takes the validations of one training in order. */
export class QualityClock {
  readonly #targets: readonly number[];
  readonly #reached: Reached[] = [];
  #tokensPerSecond = NaN;

  constructor(targets: readonly number[]) {
    this.#targets = targets;
  }

  /** Whether the last target has been reached. */
  isDone(): boolean {
    const last = this.#targets.at(-1) ?? -Infinity;
    return this.#reached.some(({ perplexity }) => perplexity <= last);
  }

  validated({ step, trainSeconds, tokens, validLoss }: { readonly step: number; readonly trainSeconds: number; readonly tokens: number; readonly validLoss: number }): void {
    this.#reached.push({ perplexity: Math.exp(validLoss), trainSeconds, steps: step });
    this.#tokensPerSecond = tokens / trainSeconds;
  }

  result(name: string, executes: string): QualityResult {
    const targets = this.#targets.map((target) => ({ target, reached: this.#reached.find(({ perplexity }) => perplexity <= target) ?? null }));
    const best = this.#reached.reduce<Reached | null>((low, one) => (low === null || one.perplexity < low.perplexity ? one : low), null);
    return { name, executes, targets, best, tokensPerSecond: this.#tokensPerSecond };
  }
}

/** Seconds of training of a run from the events of `bptt train --json` as they come. What lies before a step and behind a validation or the start belongs to that step. */
export class TrainingClock {
  seconds = 0;
  tokens = 0;
  #fromMs: number | undefined;

  see({ event, tokens }: JsonEvent, atMs: number): void {
    if (event === 'step' && this.#fromMs !== undefined) {
      this.seconds += (atMs - this.#fromMs) / 1e3;
      this.tokens += Number(tokens);
    }
    // Before the first step the worker joins; it is not training before that.
    if (event === 'worker-joined' || event === 'step' || event === 'validation' || event === 'checkpoint') this.#fromMs = atMs;
  }
}
