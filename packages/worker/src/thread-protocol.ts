import type { MemoryShare, SharedMemory } from '@bptt/simd';
import type { BatchContext, ErrorCode, Microshard, NonFiniteLocation, TrainingPlan, TreeNode } from '@bptt/core';

/** What a compute thread is made for; fixed for its life. */
export interface ComputeSettings extends TrainingPlan {
  /** A backend of this machine, by id. */
  readonly backendId: string;
  /** In which gradients lie, and parameters that say so; undefined for ordinary shared memory. */
  readonly memory: SharedMemory | undefined;
  /** The same for the backend to work in; undefined where it needs memory of its own. */
  readonly share: MemoryShare | undefined;
}

/** Parameters, over a SharedArrayBuffer. */
export interface SharedParameters {
  /** The same object for the same parameters: a thread reads each object once. */
  readonly values: Float32Array;
  /** Whether they lie in the memory of the threads. */
  readonly isInMemory: boolean;
}

/** A gradient as `encodeGradient` of core writes it, in memory that threads share. */
export interface EncodedGradient {
  /** Begins with the gradient; a block of the pool, as whoever sent it sees it. */
  readonly block: Uint8Array;
  /** Bytes of the gradient alone. */
  readonly bytes: number;
}

/** Loss of one microshard, with its gradient or without. */
export interface MicroshardJob {
  readonly kind: 'gradient' | 'evaluate';
  readonly microshard: Microshard;
  /** In the order of `carryParts` of core; zeros where undefined. */
  readonly initialStates: Float32Array | undefined;
  /** The batch around it; undefined for an evaluation. */
  readonly batch: BatchContext | undefined;
  /** New parameters; undefined where the thread holds the right ones. */
  readonly parameters: SharedParameters | undefined;
  /** Where the gradient goes; undefined for an evaluation. */
  readonly into: Uint8Array | undefined;
  /** Whether it is looked at for what is not finite. One that is added to another need not be: their sum tells. */
  readonly checks: boolean;
}

/** Sum of two gradients along the canonical tree. It goes into the block of the left one, which has room for it. */
export interface AddJob {
  readonly kind: 'add';
  /** The node whose children are added. */
  readonly node: TreeNode;
  readonly left: EncodedGradient;
  readonly right: EncodedGradient;
}

/** Helps other threads until they are done, or this one is called back. */
export interface AssistJob {
  readonly kind: 'assist';
}

export type Job = MicroshardJob | AddJob | AssistJob;

/** Whether a job is a microshard, with which other threads can help. */
export function isMicroshard(job: Job): job is MicroshardJob {
  return job.kind === 'gradient' || job.kind === 'evaluate';
}

/** That there is a gradient where the job was told to write it, or the place where it stopped being finite; neither after an evaluation. */
export interface GradientOutcome {
  readonly gradientBytes: number | undefined;
  readonly nonFinite: NonFiniteLocation | undefined;
}

export interface MicroshardOutcome extends GradientOutcome {
  /** Float64 sum over the targets, in nats. */
  readonly lossSum: number;
  readonly tokens: number;
  readonly sequences: number;
  /** In the order of `carryParts` of core; undefined where no state is carried. */
  readonly finalStates: Float32Array | undefined;
}

/** What a job answers. */
export type OutcomeOf<J extends Job> = J extends MicroshardJob ? MicroshardOutcome : GradientOutcome;

/** What a thread says. The first message is `ready` or `failed`, then one answer a job. */
export type ThreadMessage =
  | { readonly kind: 'ready'; readonly executes: string; readonly assists: boolean }
  | { readonly kind: 'done'; readonly outcome: MicroshardOutcome | GradientOutcome }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
