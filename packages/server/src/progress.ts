import { afterValidation, sumKnown } from '@bptt/core';
import { nodeKey, remainingLeaves, rootOf, type Round } from './round.js';
import type { Effect, RunSettings, RunState, Transition } from './run-state.js';

/** Steps after which the schedule hears of a validation. */
export function isValidationDue({ validEvery, stepsPerEpoch }: RunSettings, step: number): boolean {
  return step > 0 && step % (validEvery > 0 ? validEvery : stepsPerEpoch) === 0;
}

/** What a run does next, once nothing is under way: end, validate, write a checkpoint, or compute a step. */
export function proceed(state: RunState): Transition {
  const { settings, step, ending } = state;
  if (ending === undefined && needsEvaluation(state)) return open(state, 'evaluate');
  const isLast = ending !== undefined || step >= settings.stepsTotal;
  const isDue = isLast || (step > 0 && settings.checkpointEvery > 0 && step % settings.checkpointEvery === 0);
  if (isDue && state.checkpointStep !== step) return [{ ...state, phase: 'settling' }, [{ type: 'checkpoint', step }]];
  if (isLast) return end(state, ending ?? { outcome: 'finished', reason: `all ${String(settings.stepsTotal)} steps are done` });
  return open(state, 'train');
}

/** Ends the run at once. */
export function end(state: RunState, ending: NonNullable<RunState['ending']>): Transition {
  return [{ ...state, phase: 'ended', round: undefined, ending }, [{ type: 'ended', ...ending }]];
}

/** Applies what a round computed when its last leaf is in; otherwise changes nothing. */
export function completeRound(state: RunState): Transition {
  const { round } = state;
  if (state.phase !== 'computing' || round === undefined || remainingLeaves(round) > 0) return [state, []];
  if (round.kind === 'train') return [{ ...state, phase: 'settling' }, [{ type: 'update', round }]];
  const validated = validate(state, round);
  const effect: Effect = { type: 'validated', step: state.step, validLoss: meanLoss(round), learningRate: validated.schedule.learningRate };
  return andThen([validated, [effect]], proceed);
}

/** The sum of the losses of a complete round, in nats, along the canonical tree. NaN where nothing was computed. */
export function sumLosses(round: Round): number {
  return sumKnown(rootOf(round), (node) => round.committed.get(nodeKey(node))?.lossSum, (left, right) => left + right) ?? NaN;
}

/** Nats per token of a complete round; NaN where it has no targets. */
export function meanLoss(round: Round): number {
  const tokens = round.leaves.reduce((sum, leaf) => sum + (leaf?.tokens ?? 0), 0);
  return sumLosses(round) / tokens;
}

/** Goes on from a transition; its effects come first. */
export function andThen([state, effects]: Transition, next: (state: RunState) => Transition): Transition {
  const [after, more] = next(state);
  return [after, [...effects, ...more]];
}

function open(state: RunState, kind: Round['kind']): Transition {
  return [{ ...state, phase: 'opening' }, [{ type: 'open-round', kind, step: state.step }]];
}

function needsEvaluation({ settings, step, scheduledStep, validatedStep }: RunState): boolean {
  if (settings.evaluationLeaves === 0) return false;
  return (isValidationDue(settings, step) && scheduledStep !== step) || (step >= settings.stepsTotal && validatedStep !== step);
}

/**
 * A validation at the end of a run that is not due otherwise leaves the schedule alone, so that a run that is made longer later has the
 * bits of one that was long from the start.
 */
function validate(state: RunState, round: Round): RunState {
  const { settings, step } = state;
  const validated = { ...state, validatedStep: step };
  if (!isValidationDue(settings, step) || state.scheduledStep === step) return validated;
  return { ...validated, scheduledStep: step, schedule: afterValidation(settings.schedule, state.schedule, meanLoss(round)) };
}
