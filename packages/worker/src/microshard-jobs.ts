import {
  addGradients, areFinite, assert, createMicroshardComputer, decodeGradient, encodeGradient, gradientBytes, isFiniteGradient, locateNonFinite, parameterLayout, withoutRegularisers,
  type Backend, type Gradient, type MicroshardResult, type ModelConfig, type NonFiniteLocation, type TrainingPlan,
} from '@bptt/core';
import { openThreadMemory, type OpenedThreadMemory } from '@bptt/simd';
import type { AddJob, EncodedGradient, GradientOutcome, Job, MicroshardJob, MicroshardOutcome } from './thread-protocol.js';

/** Does the work of one compute thread: one job at a time. */
export interface JobRunner {
  /** What really executes, as its backend says it. */
  readonly executes: string;
  /** Whether it can help others. */
  readonly assists: boolean;
  run(job: Job): Promise<MicroshardOutcome | GradientOutcome>;
}

/**
 * @param backend used by this runner alone
 * @param memory in which gradients lie, and parameters that say so
 */
export function createJobRunner(backend: Backend, plan: TrainingPlan, memory: OpenedThreadMemory = openThreadMemory(undefined)): JobRunner {
  const { model, objective } = plan;
  const computer = createMicroshardComputer({ backend, ...plan });
  const layout = parameterLayout(model);
  let values: Float32Array | undefined;

  return {
    executes: backend.executes,
    assists: backend.assist !== undefined,
    async run(job) {
      if (job.kind === 'add') return add(job);
      if (job.kind !== 'assist') return compute(job);
      backend.assist?.();
      return { gradientBytes: undefined, nonFinite: undefined };
    },
  };

  async function compute({ kind, microshard, initialStates, batch, parameters, into, checks }: MicroshardJob): Promise<MicroshardOutcome> {
    if (parameters !== undefined) {
      values = undefined;
      const given = parameters.isInMemory ? memory.floats(parameters.values) : parameters.values;
      computer.setParameters(given);
      values = given;
    }
    assert(values !== undefined, () => `microshard ${String(microshard.index)} before any parameters`);
    const result = kind === 'gradient' ? await computer.gradient(microshard, { initialStates, batch }, into && memory.bytes(into)) : await computer.evaluate(microshard, initialStates);
    const { gradient, finalStates, ...sums } = result;
    const carried = kind === 'gradient' && objective.truncation.kind === 'chunk' ? finalStates : undefined;
    const outcome = { ...sums, finalStates: carried, gradientBytes: undefined, nonFinite: undefined };
    if (!isFinite(result, carried) || (checks && gradient !== undefined && !isFiniteGradient(gradient, memory.arithmetic))) {
      const found = await locateNonFinite({ ...plan, objective: kind === 'gradient' ? objective : withoutRegularisers(objective), parameters: values, microshard, initialStates, batch });
      return { ...outcome, nonFinite: found ?? unplaced(model, microshard.index) };
    }
    return gradient === undefined ? outcome : { ...outcome, gradientBytes: gradientBytes(gradient) };
  }

  function add({ node, left, right }: AddJob): GradientOutcome {
    const ofLeft = decodeShared(left);
    const sum = addGradients(layout, ofLeft, decodeShared(right), ofLeft.dense, memory.arithmetic);
    if (!sum.isFinite) return { gradientBytes: undefined, nonFinite: unplaced(model, node.begin) };
    return { gradientBytes: encodeGradient(sum, memory.bytes(left.block)), nonFinite: undefined };
  }

  function decodeShared({ block, bytes }: EncodedGradient): Gradient {
    return decodeGradient(layout, memory.bytes(block).subarray(0, bytes));
  }
}

/** Final states count only where they are carried on: elsewhere the last ones may belong to padding alone. */
function isFinite({ lossSum }: MicroshardResult, carried: Float32Array | undefined): boolean {
  return Number.isFinite(lossSum) && (carried === undefined || areFinite(carried));
}

/**
 * An explosion without a place in time: two finite gradients whose sum is beyond float32, or a backend that overflowed where the
 * reference did not.
 */
function unplaced(model: ModelConfig, microshard: number): NonFiniteLocation {
  return { microshard, sequence: -1, timeStep: 0, layer: model.hidden.length, phase: 'backward' };
}
