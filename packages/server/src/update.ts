import {
  clipGradient, denseSize, denseTensors, sgdStep, sparseTensors, viewTensor,
  type Arithmetic, type Clip, type ExplosionPolicy, type Gradient, type Optimizer, type OptimizerTarget, type ParameterLayout,
} from '@bptt/core';
import type { StepOutcome } from './run-event.js';

/** Factor of a recurrent matrix in the gradient that `shrink` puts in place of one that is not finite. */
export const SHRINK_FACTOR = 0.02;

export interface StepUpdate {
  readonly arithmetic: Arithmetic;
  readonly layout: ParameterLayout;
  readonly optimizer: Optimizer;
  /** Parameters before the step, all finite; not changed. */
  readonly parameters: Float32Array;
  /** Slots of the optimiser before the step; not changed. */
  readonly slots: readonly Float32Array[];
  /** Steps of the optimiser before this one. */
  readonly updates: number;
  /** Sum over the batch; changed where it is clipped by value. Undefined where a microshard's gradient, or a sum of them, is not finite. */
  readonly gradient: Gradient | undefined;
  /** Sum of the squares of its dense part, where it is known. */
  readonly denseSquares?: number | undefined;
  /** What the sum is divided by; 0 for a batch without targets. */
  readonly divisor: number;
  readonly clip: Clip;
  readonly learningRate: number;
  readonly policy: ExplosionPolicy;
}

export interface UpdateResult {
  /** `updated`: the optimiser made its step, and its slots are those in the target. `stopped`: the policy ends the run. */
  readonly outcome: StepOutcome | 'stopped';
  /** Before clipping; NaN where the gradient is not finite, 0 for a batch without targets. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
}

/**
 * One step of the parameters, written into `into`: divide, clip, let the optimiser descend. An explosion is a gradient, or parameters or slots after
 * the step, that are not finite: then the policy decides, the parameters in `into` are finite ones or the old ones, and its slots are to be dropped.
 */
export function applyStep(step: StepUpdate, into: OptimizerTarget): UpdateResult {
  const { arithmetic, optimizer, parameters, gradient, denseSquares, divisor, clip } = step;
  if (divisor === 0) {
    into.parameters.set(parameters);
    return { outcome: 'empty', gradientNorm: 0, clipped: false };
  }
  if (gradient === undefined) return explode(step, into.parameters);
  const { factors, ...result } = clipGradient(gradient, divisor, clip, arithmetic, denseSquares);
  // The squares of finite float32 numbers have a finite sum in float64, so the norm tells.
  if (!Number.isFinite(result.gradientNorm)) return explode(step, into.parameters);
  if (!optimizer.step({ ...step, gradient, factors }, into)) return explode(step, into.parameters);
  return { outcome: 'updated', ...result };
}

function explode(step: StepUpdate, into: Float32Array): UpdateResult {
  const { layout, parameters, learningRate, policy } = step;
  into.set(parameters);
  if (policy === 'shrink') sgdStep({ layout, parameters, gradient: shrinkGradient(layout, parameters), learningRate }, into);
  const outcome = { skip: 'skipped', stop: 'stopped', shrink: 'shrunk' } as const;
  return { outcome: outcome[policy], gradientNorm: NaN, clipped: false };
}

/** `0.02 W_hh` for every recurrent matrix and zero elsewhere (the published code of Pascanu, Mikolov and Bengio 2013). */
function shrinkGradient(layout: ParameterLayout, parameters: Float32Array): Gradient {
  const dense = new Float32Array(denseSize(layout));
  let at = 0;
  for (const tensor of denseTensors(layout)) {
    const values = viewTensor(parameters, tensor);
    if (tensor.name.includes('weight_hh')) for (let i = 0; i < values.length; i += 1) dense[at + i] = Math.fround(SHRINK_FACTOR) * values[i];
    at += values.length;
  }
  return { dense, sparse: sparseTensors(layout).map(() => ({ rows: new Uint32Array(0), values: new Float32Array(0) })) };
}
