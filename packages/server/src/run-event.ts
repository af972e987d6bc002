import type { ExplosionPolicy, TreeNode } from '@bptt/core';

/** Where an explosion began. */
export interface ExplosionLocation {
  readonly microshard: number;
  /** Corpus index of the sequence. */
  readonly sequence: number;
  readonly timeStep: number;
  /** Layer, or the number of layers for the output layer. */
  readonly layer: number;
  /** `forward` or `backward`. */
  readonly phase: string;
}

/** What became of a step: its update, or why parameters did not follow the gradient. `empty`: the batch had no targets. */
export type StepOutcome = 'updated' | 'empty' | 'skipped' | 'shrunk';

/** What a validation came to. */
export interface ValidationOutcome {
  readonly step: number;
  /** Nats per token. */
  readonly validLoss: number;
  /** Of the step to come. */
  readonly learningRate: number;
  /** It was due, and the loss is the lowest so far. */
  readonly improved: boolean;
  /** The best parameters are restored. */
  readonly restored: boolean;
  /** The loss is that of an average of iterates. */
  readonly averaged: boolean;
}

/** The end of a run, or the last thing known of it. Losses are nats per token and NaN where there is none yet. */
export interface RunSummary {
  /** Steps done. */
  readonly step: number;
  readonly trainLoss: number;
  readonly validLoss: number;
  /** Lowest of the validations that were due; its parameters are those of `checkpoints/best.safetensors`. */
  readonly bestValidLoss: number;
  /** SHA-256 of the parameters after `step` steps, hex; of the average of iterates where the optimiser makes one. */
  readonly parametersSha256: string;
  /** Training tokens per second of training, validations left out. */
  readonly tokensPerSecond: number;
}

/** How a run ended. `reason` is one line for people. */
export interface RunResult extends RunSummary {
  readonly outcome: 'finished' | 'interrupted' | 'failed';
  readonly reason: string;
}

/** What happens in a run, as it happens. `step` counts the steps done unless said otherwise. Losses are nats per token. */
export type RunEvent =
  | { readonly event: 'started'; readonly runId: string; readonly step: number; readonly stepsTotal: number; readonly resumed: boolean }
  | {
      readonly event: 'step';
      readonly step: number;
      readonly epoch: number;
      /** NaN where the loss is not finite or the batch had no targets. */
      readonly trainLoss: number;
      /** Global norm before clipping; NaN where the gradient is not finite. */
      readonly gradientNorm: number;
      readonly clipped: boolean;
      readonly learningRate: number;
      readonly tokens: number;
      readonly tokensPerSecond: number;
      readonly outcome: StepOutcome;
    }
  | ({ readonly event: 'validation' } & ValidationOutcome)
  | { readonly event: 'checkpoint'; readonly step: number; readonly path: string; readonly parametersSha256: string }
  | { readonly event: 'worker-joined'; readonly workerId: string; readonly name: string; readonly executes: string; readonly threads: number }
  | { readonly event: 'worker-left'; readonly workerId: string; readonly name: string; readonly reason: WorkerLoss }
  /** The first chunk of a push has arrived. `step` is the step that it computes, counted from 0. */
  | { readonly event: 'push-begun'; readonly workerId: string; readonly step: number; readonly node: TreeNode }
  | { readonly event: 'lease-expired'; readonly workerId: string; readonly step: number; readonly node: TreeNode; readonly reason: LeaseLoss }
  /** `step` counts from 0. `location` is undefined where only a sum or an update overflowed. */
  | { readonly event: 'non-finite'; readonly step: number; readonly location: ExplosionLocation | undefined; readonly policy: ExplosionPolicy }
  /** Two pushes of one node differ: a worker or its machine computes wrongly. */
  | { readonly event: 'duplicate-mismatch'; readonly workerId: string; readonly step: number; readonly node: TreeNode; readonly message: string }
  | { readonly event: 'warning'; readonly message: string }
  | ({ readonly event: 'done' } & RunResult);

/** Why a worker is gone: it said so, its control stream ended, or it was silent for too long. */
export type WorkerLoss = 'left' | 'disconnected' | 'silent';

/** Why a lease was taken back: its time was over, or its worker is gone. */
export type LeaseLoss = 'time' | 'disconnected' | 'silent';

/** What `metrics.jsonl` holds. */
export type RunMetric = Extract<RunEvent, { event: 'worker-joined' | 'step' | 'validation' | 'checkpoint' }>;
