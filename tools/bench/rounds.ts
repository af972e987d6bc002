import type { Contender } from './contender.js';

/** A round repeats a quick contender for about so long, so that one slow moment of the machine weighs little. */
const ROUND_MS = 200;
const STEPS_PER_ROUND_MAX = 50;

/** What one contender needed. */
export interface Timing {
  /** Milliseconds a step, the mean of each round. */
  readonly samplesMs: readonly number[];
  readonly medianMs: number;
}

/**
 * Lets contenders work in turn, so that whatever slows the machine slows all of them: one warm-up step each, then `rounds` rounds, each begun
 * by another contender.
 */
export async function runRounds(contenders: readonly Contender[], rounds: number): Promise<Timing[]> {
  const steps: number[] = [];
  for (const contender of contenders) {
    await contender.step();
    steps.push(Math.min(STEPS_PER_ROUND_MAX, Math.max(1, Math.round(ROUND_MS / (await contender.step())))));
  }
  const samples: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const i = (round + turn) % contenders.length;
      samples[i].push(await meanMs(contenders[i], steps[i]));
    }
  }
  return samples.map((samplesMs) => ({ samplesMs, medianMs: median(samplesMs) }));
}

async function meanMs(contender: Contender, steps: number): Promise<number> {
  let sum = 0;
  for (let step = 0; step < steps; step += 1) sum += await contender.step();
  return sum / steps;
}

/** The middle value; of an even number of values the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}
