import type { Contender } from './contender.js';

/** A round repeats a quick contender for about so long, so that one slow moment of the machine weighs little. */
const ROUND_MS = 200;
const STEPS_PER_ROUND_MAX = 50;
/** A quick contender warms up for about so long, so that an engine has compiled what is hot. */
const WARM_UP_MS = 500;
const WARM_UP_STEPS_MAX = 100;
/** A step that takes longer than this is as warm at the first time as at the second. */
const WARM_STEP_MS = 2_000;
/** Longest that the rounds of one contender may take, going by its first step: one that needs longer drops out. */
export const ROUNDS_LIMIT_MS = 90_000;

/** How often everybody has a turn, and how a turn is made. */
export interface Rounds {
  readonly count: number;
  /** Makes a turn, perhaps more than once: what it returns last counts. */
  readonly make: <T>(turn: () => Promise<T>) => Promise<T>;
}

/** Turns as they come. */
export function plainRounds(count: number): Rounds {
  return { count, make: (turn) => turn() };
}

/** What one contender needed. */
export interface Timing {
  /** Milliseconds a step, the mean of each round. */
  readonly samplesMs: readonly number[];
  readonly medianMs: number;
  /** Of all steps, those that warmed up too. */
  readonly totalMs: number;
}

/** A contender that was too slow to go on: what its first step took. */
export interface TooSlow {
  readonly firstStepMs: number;
}

/**
 * Lets contenders work in turn, so that whatever slows the machine slows all of them: each warms up, then some rounds, each begun
 * by another contender. One whose rounds would take longer than `limitMs` makes its first step alone.
 */
export async function runRounds(contenders: readonly Contender[], rounds: Rounds, limitMs: number = ROUNDS_LIMIT_MS): Promise<(Timing | TooSlow)[]> {
  const results: (Timing | TooSlow)[] = [];
  const steps: number[] = [];
  const totals: number[] = contenders.map(() => 0);
  const taking: number[] = [];
  const stepOf = async (i: number): Promise<number> => {
    const ms = await contenders[i].step();
    totals[i] += ms;
    return ms;
  };
  for (const i of contenders.keys()) {
    const firstStepMs = await stepOf(i);
    results.push({ firstStepMs });
    if (firstStepMs * rounds.count > limitMs) {
      steps.push(0);
      continue;
    }
    taking.push(i);
    const stepMs = firstStepMs > WARM_STEP_MS ? firstStepMs : await warmUp(() => stepOf(i));
    steps.push(Math.min(STEPS_PER_ROUND_MAX, Math.max(1, Math.round(ROUND_MS / stepMs))));
  }
  const samples = await takeTurns(taking, rounds, (i) => meanMs(() => stepOf(i), steps[i]));
  for (const [at, i] of taking.entries()) results[i] = { samplesMs: samples[at], medianMs: median(samples[at]), totalMs: totals[i] };
  return results;
}

/** One step or, of quick ones, more; what the last one took. */
async function warmUp(step: () => Promise<number>): Promise<number> {
  let lastMs = await step();
  for (let more = Math.min(WARM_UP_STEPS_MAX, Math.round(WARM_UP_MS / lastMs)) - 1; more > 0; more -= 1) lastMs = await step();
  return lastMs;
}

/** One of `items` after the other in every round, each begun by another. For each item what its turns returned. */
export async function takeTurns<T, R>(items: readonly T[], { count, make }: Rounds, turn: (item: T) => Promise<R>): Promise<R[][]> {
  const results: R[][] = items.map(() => []);
  for (let round = 0; round < count; round += 1) {
    for (let i = 0; i < items.length; i += 1) {
      const at = (round + i) % items.length;
      results[at].push(await make(() => turn(items[at])));
    }
  }
  return results;
}

async function meanMs(step: () => Promise<number>, steps: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < steps; i += 1) sum += await step();
  return sum / steps;
}

/** The middle value; of an even number of values the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}
