import { startSchedule, type ScheduleName, type ScheduleState } from '@bptt/core';
import type { LeaseLoss, WorkerLoss } from './run-event.js';
import type { Push, PushOutcomeName } from './push-judgement.js';
import type { Lease, LeafCounts, Round, RoundKind } from './round.js';

/** What does not change while a server serves. */
export interface RunSettings {
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
  readonly schedule: ScheduleName;
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
  readonly threads: number;
  /** Whether it asked for a lease and has not got one. */
  readonly ready: boolean;
  readonly heardMs: number;
  /** Training and evaluation leaves whose results were taken. */
  readonly leavesDone: number;
  readonly leasesExpired: number;
}

/** Where a run begins: at its first step, or at a checkpoint. */
export interface Cursor {
  /** Steps done. */
  readonly step: number;
  readonly schedule: ScheduleState;
  /** The last step whose validation the schedule has seen, or -1. */
  readonly scheduledStep: number;
}

/**
 * The whole of a run but for its numbers. `opening`: a round is about to be opened. `computing`: workers compute one. `settling`: an
 * update or a checkpoint is under way. Changed by `advance` alone.
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
  | { readonly type: 'join'; readonly nowMs: number; readonly name: string; readonly threads: number }
  | { readonly type: 'heard'; readonly nowMs: number; readonly workerId: string }
  | { readonly type: 'ready'; readonly nowMs: number; readonly workerId: string }
  | { readonly type: 'lease-failed'; readonly nowMs: number; readonly workerId: string; readonly leaseId: number; readonly reason: string }
  | { readonly type: 'lost'; readonly nowMs: number; readonly workerId: string; readonly reason: WorkerLoss }
  | { readonly type: 'tick'; readonly nowMs: number }
  | { readonly type: 'round-opened'; readonly nowMs: number; readonly kind: RoundKind; readonly leaves: readonly (LeafCounts | undefined)[] }
  | { readonly type: 'push'; readonly nowMs: number; readonly push: Push }
  /** The parameters of the next step are there. */
  | { readonly type: 'updated' }
  /** The explosion policy ends the run; parameters did not change. */
  | { readonly type: 'exploded'; readonly reason: string }
  | { readonly type: 'checkpointed' }
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
  | { readonly type: 'validated'; readonly step: number; readonly validLoss: number; readonly learningRate: number }
  | { readonly type: 'advanced'; readonly step: number }
  | { readonly type: 'checkpoint'; readonly step: number }
  | ({ readonly type: 'ended' } & Ending);

/** A new state, and what follows from it. */
export type Transition = readonly [state: RunState, effects: readonly Effect[]];

/** The cursor of a new run. */
export function firstCursor(learningRate: number): Cursor {
  return { step: 0, schedule: startSchedule(learningRate), scheduledStep: -1 };
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
