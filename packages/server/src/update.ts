import { clipByGlobalNorm, denseSize, denseTensors, scaleGradient, sgdStep, sparseTensors, sumOfSquares, viewTensor, type ExplosionPolicy, type Gradient, type ParameterLayout } from '@bptt/core';
import type { StepOutcome } from './run-event.js';

/** Factor of a recurrent matrix in the gradient that `shrink` puts in place of one that is not finite. */
export const SHRINK_FACTOR = 0.02;

export interface StepUpdate {
  readonly layout: ParameterLayout;
  /** Parameters before the step; not changed. */
  readonly parameters: Float32Array;
  /** Sum over the batch; scaled in place. Undefined where a microshard's gradient, or a sum of them, is not finite. */
  readonly gradient: Gradient | undefined;
  /** What the sum is divided by; 0 for a batch without targets. */
  readonly divisor: number;
  /** Largest global norm; 0 clips nothing. */
  readonly clip: number;
  readonly learningRate: number;
  readonly policy: ExplosionPolicy;
}

export interface UpdateResult {
  /** `stopped`: the policy ends the run. */
  readonly outcome: StepOutcome | 'stopped';
  /** Before clipping; NaN where the gradient is not finite, 0 for a batch without targets. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
}

/**
 * One step of the parameters, written into `into`: divide, clip by global norm, descend. An explosion is a gradient, or parameters after
 * the step, that are not finite: then the policy decides, and `into` never holds anything but finite numbers or the old parameters.
 */
export function applyStep(step: StepUpdate, into: Float32Array): UpdateResult {
  const { layout, parameters, gradient, divisor, clip, learningRate } = step;
  if (divisor === 0) {
    into.set(parameters);
    return { outcome: 'empty', gradientNorm: 0, clipped: false };
  }
  if (gradient === undefined || !isFiniteGradient(gradient)) return explode(step, into);
  scaleGradient(gradient, Math.fround(1 / divisor));
  const gradientNorm = clip > 0 ? clipByGlobalNorm(gradient, clip) : Math.sqrt(sumOfSquares(gradient));
  sgdStep({ layout, parameters, gradient, learningRate }, into);
  if (!isFiniteArray(into)) return explode(step, into);
  return { outcome: 'updated', gradientNorm, clipped: clip > 0 && gradientNorm > clip };
}

/** Whether every element is finite. Squares of float32 numbers cannot leave the range of float64. */
export function isFiniteGradient(gradient: Gradient): boolean {
  return Number.isFinite(sumOfSquares(gradient));
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

function isFiniteArray(values: Float32Array): boolean {
  let zero = 0;
  for (let i = 0; i < values.length; i += 1) zero += values[i] * 0;
  return zero === 0;
}
