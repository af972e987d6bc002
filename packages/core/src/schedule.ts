export const SCHEDULES = ['constant', 'halve-on-plateau'] as const;
/** How the learning rate changes over a run. */
export type ScheduleName = (typeof SCHEDULES)[number];

/** What a schedule remembers between validations; part of a checkpoint. */
export interface ScheduleState {
  readonly learningRate: number;
  /** Lowest validation loss so far (nats per token), or null before the first validation. */
  readonly bestLoss: number | null;
}

export function startSchedule(learningRate: number): ScheduleState {
  return { learningRate, bestLoss: null };
}

/**
 * The schedule after a validation: `constant` keeps the learning rate, `halve-on-plateau` halves it whenever the loss did not go below
 * the best so far.
 * @param validLoss nats per token; one that is not finite counts as no improvement
 */
export function afterValidation(name: ScheduleName, state: ScheduleState, validLoss: number): ScheduleState {
  const improved = Number.isFinite(validLoss) && (state.bestLoss === null || validLoss < state.bestLoss);
  const bestLoss = improved ? validLoss : state.bestLoss;
  const learningRate = name === 'halve-on-plateau' && !improved ? state.learningRate * 0.5 : state.learningRate;
  return { learningRate, bestLoss };
}
