import type { RunEvent } from '@bptt/server';

type StepEvent = Extract<RunEvent, { event: 'step' }>;

/** Steps that the loss and speed shown are means of, at most. */
const RECENT_STEPS_MAX = 100;
/** Step lines of a run in a pipe, at most. */
export const PLAIN_LINES_MAX = 20;

/** What a progress line shows. */
export interface ProgressView {
  readonly step: number;
  readonly stepsTotal: number;
  /** Nats per token; NaN where there is none yet. */
  readonly loss: number;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  /** Share of the steps that were clipped, in [0, 1]. */
  readonly clippedShare: number;
  readonly tokensPerSecond: number;
  /** Undefined before it can be known. */
  readonly secondsLeft: number | undefined;
}

/** Follows a run and says how it goes. The clock, in milliseconds, is an argument. */
export class Progress {
  readonly #recent: StepEvent[] = [];
  readonly #startStep: number;
  #first: { readonly step: number; readonly ms: number } | undefined;
  readonly stepsTotal: number;
  #clipped = 0;

  constructor(start: { readonly step: number; readonly stepsTotal: number }) {
    this.#startStep = start.step;
    this.stepsTotal = start.stepsTotal;
  }

  /** Takes a step in and says where the run stands. */
  after(event: StepEvent, nowMs: number): ProgressView {
    this.#recent.push(event);
    if (this.#recent.length > RECENT_STEPS_MAX) this.#recent.shift();
    if (event.clipped) this.#clipped += 1;
    const steps = event.step - this.#startStep;
    // The time of the first step is mostly the wait for workers.
    const first = (this.#first ??= { step: event.step, ms: nowMs });
    const secondsPerStep = (nowMs - first.ms) / 1000 / (event.step - first.step);
    return {
      step: event.step,
      stepsTotal: this.stepsTotal,
      loss: mean(this.#recent.map(({ trainLoss }) => trainLoss).filter(Number.isFinite)),
      gradientNorm: event.gradientNorm,
      clippedShare: this.#clipped / steps,
      tokensPerSecond: recentSpeed(event.step === first.step ? this.#recent : this.#recent.filter((recent) => recent.step !== first.step)),
      secondsLeft: Number.isFinite(secondsPerStep) ? secondsPerStep * (this.stepsTotal - event.step) : undefined,
    };
  }

  /** Whether a step gets a line of its own in a pipe: evenly spaced, the last one always. */
  isPlainStep(step: number): boolean {
    const spacing = Math.max(1, Math.ceil((this.stepsTotal - this.#startStep) / PLAIN_LINES_MAX));
    return step === this.stepsTotal || (step - this.#startStep) % spacing === 0;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Tokens of the steps over the time that they took. */
function recentSpeed(steps: readonly StepEvent[]): number {
  const timed = steps.filter(({ tokensPerSecond }) => tokensPerSecond > 0 && Number.isFinite(tokensPerSecond));
  const seconds = timed.reduce((sum, { tokens, tokensPerSecond }) => sum + tokens / tokensPerSecond, 0);
  return timed.reduce((sum, { tokens }) => sum + tokens, 0) / seconds;
}

/** `step 120/400 (30%)  loss 5.1234  perplexity 167.9  |g| 0.82  clipped 12%  9,310 tokens/s  1m 20s left` */
export function progressLine(view: ProgressView): string {
  const { step, stepsTotal, loss, gradientNorm, clippedShare, tokensPerSecond, secondsLeft } = view;
  const parts = [
    `step ${formatCount(step)}/${formatCount(stepsTotal)} (${percent(step / stepsTotal)})`,
    `loss ${formatLoss(loss)}`,
    `perplexity ${formatPerplexity(loss)}`,
    `|g| ${Number.isFinite(gradientNorm) ? gradientNorm.toPrecision(3) : 'not finite'}`,
    `clipped ${percent(clippedShare)}`,
    `${formatCount(Math.round(tokensPerSecond))} tokens/s`,
  ];
  if (secondsLeft !== undefined) parts.push(`${formatDuration(secondsLeft)} left`);
  return parts.join('  ');
}

/** Nats per token. */
export function formatLoss(loss: number): string {
  return Number.isFinite(loss) ? loss.toFixed(4) : 'none';
}

/** `exp(loss)`. */
export function formatPerplexity(loss: number): string {
  const perplexity = Math.exp(loss);
  if (!Number.isFinite(perplexity)) return 'none';
  return perplexity < 1e6 ? perplexity.toFixed(perplexity < 1000 ? 2 : 0) : perplexity.toExponential(2);
}

/** Thousands apart: `12,345`. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? String(count).replace(/\B(?=(\d{3})+$)/g, ',') : '0';
}

/** `9s`, `1m 05s`, `2h 03m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  if (whole < 60) return `${String(whole)}s`;
  if (whole < 3600) return `${String(Math.floor(whole / 60))}m ${two(whole % 60)}s`;
  return `${String(Math.floor(whole / 3600))}h ${two(Math.floor(whole / 60) % 60)}m`;
}

function percent(share: number): string {
  return `${String(Math.round(share * 100))}%`;
}
