import { CONVERGING, learningRateAt, UNVALIDATED, type Divergence, type DivergenceSetting, type LearningRatePlan, type StepFigures, type ValidationState } from '@bptt/core';
import type { Push, PushOutcomeName } from './push.js';
import type { LeaseLoss, ValidationOutcome, WorkerLoss } from './run-event.js';
import type { Lease, LeafCounts, Round, RoundKind } from './round.js';

/** What does not change while a server serves. */
export interface RunSettings extends DivergenceSetting {
  readonly runId: string;
  /** Leaves of a training round (K). */
  readonly microshards: number;
  /** Leaves of an evaluation; 0 where the corpus has nothing to evaluate. */
  readonly evaluationLeaves: number;
  readonly stepsTotal: number;
  readonly stepsPerEpoch: number;
  /** Steps between validations; 0 for the end of each epoch. */
  readonly validEvery: number;
  /** Steps between checkpoints; 0 for the end alone. */
  readonly checkpointEvery: number;
  readonly learningRatePlan: LearningRatePlan;
  /** Validations without improvement after which averaging begins (NT-ASGD); undefined where the optimiser does not average. */
  readonly nonmono: number | undefined;
  /** Due validations without improvement after which the run ends; 0 for never. */
  readonly patience: number;
  /** Fewest and most bytes that a gradient can have. */
  readonly gradientBytes: readonly [least: number, most: number];
  readonly leaseFloorMs: number;
  readonly workerTimeoutMs: number;
  /** Generations count from here; differs from server to server, so that workers of a dead server are fenced. */
  readonly generationFirst: number;
}

export interface WorkerState {
  readonly id: string;
  readonly generation: number;
  readonly name: string;
  readonly executes: string;
  readonly threads: number;
  /** Whether it asked for a lease and has not got one. */
  readonly ready: boolean;
  readonly heardMs: number;
  /** Training and evaluation leaves whose results were taken. */
  readonly leavesDone: number;
  readonly leasesExpired: number;
}

/** Where a run begins: at its first step, or at a checkpoint. JSON keeps all of it. */
export interface Cursor {
  /** Steps done. */
  readonly step: number;
  /** Steps of the optimiser since its slots were zero: those that exploded or were empty, and those before a restore, left out. */
  readonly updates: number;
  readonly validation: ValidationState;
  /** The last step whose validation was a due one, or -1. */
  readonly scheduledStep: number;
  /** `updates` when averaging began; null while it has not. */
  readonly averagingFrom: number | null;
  readonly divergence: Divergence;
}

/**
 * The whole of a run but for its numbers. `opening`: a round is about to be opened. `computing`: workers compute one. `settling`: an
 * update, a checkpoint, or what follows from a validation is under way. Changed by `advance` alone.
 */
export interface RunState extends Cursor {
  readonly settings: RunSettings;
  readonly phase: 'opening' | 'computing' | 'settling' | 'ended';
  /** The round under way, or the last one while its result is being applied. */
  readonly round: Round | undefined;
  /** In the order of their joining. */
  readonly workers: ReadonlyMap<string, WorkerState>;
  readonly workersJoined: number;
  readonly leasesGranted: number;
  readonly leasesExpired: number;
  /** Leases that ran out since the last push was taken. */
  readonly expiriesInRow: number;
  /** Leases that workers gave up since the last push was taken. */
  readonly failuresInRow: number;
  /** Milliseconds that a leaf took, of the last pushes. */
  readonly leafSamplesMs: readonly number[];
  /** The step of the last validation that this server made, or -1. */
  readonly validatedStep: number;
  /** The step of the last checkpoint, or -1. */
  readonly checkpointStep: number;
  /** Why the run is to end before its last step. */
  readonly ending: Ending | undefined;
}

export interface Ending {
  readonly outcome: 'finished' | 'interrupted' | 'failed';
  readonly reason: string;
}

/** What happens to a run. `nowMs` is the server's clock. */
export type RunInput =
  | { readonly type: 'start' }
  | { readonly type: 'join'; readonly nowMs: number; readonly name: string; readonly executes: string; readonly threads: number }
  | { readonly type: 'heard'; readonly nowMs: number; readonly workerId: string }
  | { readonly type: 'ready'; readonly nowMs: number; readonly workerId: string }
  | { readonly type: 'lease-failed'; readonly nowMs: number; readonly workerId: string; readonly leaseId: number; readonly reason: string }
  | { readonly type: 'lost'; readonly nowMs: number; readonly workerId: string; readonly reason: WorkerLoss }
  | { readonly type: 'tick'; readonly nowMs: number }
  | { readonly type: 'round-opened'; readonly nowMs: number; readonly kind: RoundKind; readonly leaves: readonly (LeafCounts | undefined)[]; readonly parametersVersion: number }
  | { readonly type: 'push'; readonly nowMs: number; readonly push: Push }
  /** The parameters of the next step are there. `descended`: the optimiser made a step. */
  | ({ readonly type: 'updated'; readonly descended: boolean } & StepFigures)
  /** The explosion policy ends the run; parameters did not change. */
  | { readonly type: 'exploded'; readonly reason: string }
  | { readonly type: 'checkpointed' }
  /** What followed from a validation is done. */
  | { readonly type: 'validation-settled' }
  | { readonly type: 'stop'; readonly reason: string }
  /** The server goes away: the run ends as interrupted, without a checkpoint. */
  | { readonly type: 'close'; readonly reason: string }
  /** Nothing can go on: no checkpoint is tried. */
  | { readonly type: 'fail'; readonly reason: string };

/** What is to be done about it, in order. */
export type Effect =
  | { readonly type: 'admitted'; readonly worker: WorkerState }
  | { readonly type: 'worker-lost'; readonly worker: WorkerState; readonly reason: WorkerLoss }
  | { readonly type: 'grant'; readonly lease: Lease; readonly round: Round }
  | { readonly type: 'revoke'; readonly lease: Lease }
  | { readonly type: 'expired'; readonly lease: Lease; readonly round: Round; readonly reason: LeaseLoss }
  | { readonly type: 'lease-given-up'; readonly workerId: string; readonly reason: string }
  | { readonly type: 'open-round'; readonly kind: RoundKind; readonly step: number }
  /** The answer to a push. `COMMITTED`: its payload belongs to the round. */
  | { readonly type: 'answer'; readonly push: Push; readonly outcome: PushOutcomeName }
  | { readonly type: 'refuse'; readonly push: Push; readonly code: 'invalid-argument' | 'failed-precondition' | 'data-loss'; readonly message: string }
  | { readonly type: 'update'; readonly round: Round }
  | { readonly type: 'validated'; readonly verdict: ValidationOutcome }
  /** Keep the parameters that were validated as the best so far. */
  | { readonly type: 'keep-best' }
  /** Go back to the best parameters, with an optimiser that starts anew. */
  | { readonly type: 'restore-best' }
  | { readonly type: 'advanced'; readonly step: number }
  | { readonly type: 'checkpoint'; readonly step: number }
  | ({ readonly type: 'ended' } & Ending);

/** A new state, and what follows from it. */
export type Transition = readonly [state: RunState, effects: readonly Effect[]];

/** The cursor of a new run. */
export const FIRST_CURSOR: Cursor = { step: 0, updates: 0, validation: UNVALIDATED, scheduledStep: -1, averagingFrom: null, divergence: CONVERGING };

/** The cursor of a state, without the rest. */
export function cursorOf({ step, updates, validation, scheduledStep, averagingFrom, divergence }: Cursor): Cursor {
  return { step, updates, validation, scheduledStep, averagingFrom, divergence };
}

/** The learning rate of the step to come. */
export function learningRateOf({ settings, step, validation }: RunState): number {
  return learningRateAt(settings.learningRatePlan, { step, epoch: Math.floor(step / settings.stepsPerEpoch), plateaus: validation.plateaus });
}

/** Iterates that are in the average; undefined where none is being made. */
export function iteratesAveraged({ updates, averagingFrom }: Cursor): number | undefined {
  return averagingFrom === null ? undefined : updates - averagingFrom;
}

/** Whether a run is judged by an average of its iterates. */
export function isAveraged(cursor: Cursor): boolean {
  return (iteratesAveraged(cursor) ?? 0) > 0;
}

/** A run that has not started. Give it `start` next. */
export function initialState(settings: RunSettings, cursor: Cursor, checkpointStep: number): RunState {
  return {
    ...cursor,
    settings,
    phase: 'opening',
    round: undefined,
    workers: new Map(),
    workersJoined: 0,
    leasesGranted: 0,
    leasesExpired: 0,
    expiriesInRow: 0,
    failuresInRow: 0,
    leafSamplesMs: [],
    validatedStep: -1,
    checkpointStep,
    ending: undefined,
  };
}
