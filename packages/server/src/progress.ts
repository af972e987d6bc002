import { afterStep, afterValidation, divergenceReason, restoresBest, sumKnown, type StepFigures } from '@bptt/core';
import { nodeKey, remainingLeaves, rootOf, type Round } from './round.js';
import { isAveraged, learningRateOf, type Effect, type Ending, type RunSettings, type RunState, type Transition } from './run-state.js';

/** Steps after which a validation counts: for the learning rate, the best parameters, averaging and patience. */
export function isValidationDue({ validEvery, stepsPerEpoch }: RunSettings, step: number): boolean {
  return step > 0 && step % (validEvery > 0 ? validEvery : stepsPerEpoch) === 0;
}

/** What a run does next, once nothing is under way: end, validate, write a checkpoint, or compute a step. */
export function proceed(state: RunState): Transition {
  const { settings, step } = state;
  if (state.ending === undefined && needsEvaluation(state)) return open(state, 'evaluate');
  const ending = state.ending ?? finishOf(state);
  const isDue = ending !== undefined || (step > 0 && settings.checkpointEvery > 0 && step % settings.checkpointEvery === 0);
  if (isDue && state.checkpointStep !== step) return [{ ...state, phase: 'settling' }, [{ type: 'checkpoint', step }]];
  return ending === undefined ? open(state, 'train') : end(state, ending);
}

/** Goes on after a step whose parameters are there. */
export function completeStep(state: RunState, { descended, ...figures }: StepFigures & { readonly descended: boolean }): Transition {
  const divergence = afterStep(state.divergence, figures, state.settings.lossBound);
  const reason = divergenceReason(divergence, figures, state.settings);
  const step = state.step + 1;
  const next: RunState = {
    ...state, step, divergence,
    updates: state.updates + (descended ? 1 : 0),
    ending: state.ending ?? (reason === undefined ? undefined : { outcome: 'failed', reason: `step ${String(step)}: ${reason}` }),
  };
  return andThen([next, [{ type: 'advanced', step }]], proceed);
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
  return validate(state, meanLoss(round));
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

/** How a run ends by itself here; undefined where it goes on. */
function finishOf({ settings, step, validation }: RunState): Ending | undefined {
  const { stepsTotal, patience } = settings;
  if (step >= stepsTotal) return { outcome: 'finished', reason: `all ${String(stepsTotal)} steps are done` };
  if (patience === 0 || validation.sinceBest < patience) return undefined;
  return { outcome: 'finished', reason: `${String(validation.sinceBest)} validations in a row brought no better loss than ${validation.bestLoss?.toFixed(4) ?? 'none'}` };
}

function needsEvaluation(state: RunState): boolean {
  const { settings, step, scheduledStep, validatedStep } = state;
  if (settings.evaluationLeaves === 0) return false;
  return (isValidationDue(settings, step) && scheduledStep !== step) || (finishOf(state) !== undefined && validatedStep !== step);
}

/**
 * What follows from a validation. One at the end of a run that is not due otherwise changes nothing, so that a run that is made longer later has the
 * bits of one that was long from the start.
 */
function validate(state: RunState, validLoss: number): Transition {
  const { settings, step } = state;
  const validated: RunState = { ...state, validatedStep: step };
  const averaged = isAveraged(state);
  if (!isValidationDue(settings, step) || state.scheduledStep === step) {
    const verdict = { step, validLoss, learningRate: learningRateOf(state), improved: false, restored: false, averaged };
    return andThen([validated, [{ type: 'validated', verdict }]], proceed);
  }
  const { state: validation, improved, fires } = afterValidation(state.validation, validLoss, settings.nonmono);
  const restored = !improved && validation.bestLoss !== null && restoresBest(settings.learningRatePlan.schedule);
  const next: RunState = {
    ...validated, validation,
    scheduledStep: step,
    updates: restored ? 0 : state.updates,
    averagingFrom: state.averagingFrom ?? (fires ? state.updates : null),
  };
  const effects: Effect[] = [{ type: 'validated', verdict: { step, validLoss, learningRate: learningRateOf(next), improved, restored, averaged } }];
  if (!improved && !restored) return andThen([next, effects], proceed);
  return [{ ...next, phase: 'settling' }, [...effects, { type: improved ? 'keep-best' : 'restore-best' }]];
}
