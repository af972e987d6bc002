import { BpttError } from './errors.js';
import { integerPower } from './integer-power.js';

/**
 * How the learning rate changes over a run.
 *
 * - `constant`: not at all.
 * - `plateau`: it is divided by `factor` after each due validation that does not improve, and the parameters of the best one are restored.
 * - `decay`: epochs 1 to `epoch` have the whole rate, each later one `factor` of the one before (Zaremba, Sutskever and Vinyals 2014).
 * - `cosine`: it falls to `floor` along half a cosine over `steps` steps, its own horizon, and stays there (Loshchilov and Hutter 2017).
 */
export type Schedule =
  | { readonly kind: 'constant' }
  | { readonly kind: 'plateau'; readonly factor: number }
  | { readonly kind: 'decay'; readonly epoch: number; readonly factor: number }
  | { readonly kind: 'cosine'; readonly steps: number; readonly floor: number };

/** Where in a run a learning rate is asked for. */
export interface ScheduleMoment {
  /** Steps done. */
  readonly step: number;
  /** Epoch of the step to come, counted from 0. */
  readonly epoch: number;
  /** How often a validation did not improve. */
  readonly plateaus: number;
}

export interface LearningRatePlan {
  /** The rate that the schedule starts from. */
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Steps over which the rate rises in a line from zero, whatever the schedule; 0 for none. */
  readonly warmup: number;
}

const EPOCH_MAX = 1_000_000;
const STEPS_MAX = 1_000_000_000;
const EXPECTED = `constant, plateau:factor (above 1), decay:epoch:factor (epoch from 0, factor above 0 and up to 1) or cosine:steps[:floor] (steps from 1, floor from 0)`;

/**
 * Reads `constant`, `plateau:factor`, `decay:epoch:factor` or `cosine:steps[:floor]`.
 * @throws BpttError `invalid-argument` for anything else
 */
export function parseSchedule(text: string): Schedule {
  const [kind, ...words] = text.split(':');
  const numbers = words.map((word) => (/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : NaN));
  const schedule = scheduleOf(kind, numbers);
  if (schedule === undefined) throw new BpttError('invalid-argument', `schedule: expected ${EXPECTED}, got ${JSON.stringify(text)}`);
  return schedule;
}

/** The text that `parseSchedule` reads back. */
export function formatSchedule(schedule: Schedule): string {
  return Object.values(schedule).map(String).join(':');
}

/** Whether it goes back to the parameters of the best validation. */
export function restoresBest({ kind }: Schedule): boolean {
  return kind === 'plateau';
}

/** The learning rate of the step to come. */
export function learningRateAt({ learningRate, schedule, warmup }: LearningRatePlan, moment: ScheduleMoment): number {
  const rising = moment.step < warmup ? (moment.step + 1) / warmup : 1;
  return rising * scheduledRate(learningRate, schedule, moment);
}

function scheduledRate(base: number, schedule: Schedule, { step, epoch, plateaus }: ScheduleMoment): number {
  switch (schedule.kind) {
    case 'constant':
      return base;
    case 'plateau':
      return base / integerPower(schedule.factor, plateaus);
    case 'decay':
      return base * integerPower(schedule.factor, Math.max(0, epoch + 1 - schedule.epoch));
    case 'cosine':
      return schedule.floor + ((base - schedule.floor) / 2) * (1 + cosineOfPi(Math.min(1, step / schedule.steps)));
  }
}

function scheduleOf(kind: string, numbers: readonly number[]): Schedule | undefined {
  const [first, second = 0] = numbers;
  if (numbers.some((value) => !Number.isFinite(value))) return undefined;
  if (kind === 'constant' && numbers.length === 0) return { kind };
  if (kind === 'plateau' && numbers.length === 1 && first > 1) return { kind, factor: first };
  if (kind === 'decay' && numbers.length === 2 && isWhole(first, 0, EPOCH_MAX) && second > 0 && second <= 1) return { kind, epoch: first, factor: second };
  if (kind === 'cosine' && (numbers.length === 1 || numbers.length === 2) && isWhole(first, 1, STEPS_MAX)) return { kind, steps: first, floor: second };
  return undefined;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** `cos(pi x)` for x in [0, 1], as a Taylor series: the bits of Math.cos differ from one version of Node to another. */
function cosineOfPi(x: number): number {
  if (x > 0.5) return -cosineOfPi(1 - x);
  const square = Math.PI * x * (Math.PI * x);
  let sum = 1;
  // (pi / 2)^24 / 24! is below 1e-18.
  for (let n = 22; n > 0; n -= 2) sum = 1 - (sum * square) / (n * (n - 1));
  return sum;
}
