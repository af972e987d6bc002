import { assert, BpttError, matrixShape, slug, viewTensor, type Backend, type FloatArray, type HostMatrix, type ParameterLayout, type Program, type ProgramInputs } from '@bptt/core';
import type { Adapter, OpenAdapter } from './adapter.js';
import { openDevice, type Device, type GpuMode } from './device.js';
import { compilePlan, planSignature, type Executor } from './plan.js';
import { createPlanCache } from './plan-cache.js';

/** Bumped whenever kernels, gpu.js or the package `webgpu` change the bits of a result. */
const REVISION = 2;

/**
 * Compiled plans that a backend holds. `data` pads microshards to a small fixed set of lengths; each needs one plan for training and
 * one for evaluation.
 */
export const PLANS_MAX = 16;

export interface GpuBackendOptions {
  /** Which executor of gpu.js to use. `gpu` is WebGL. */
  readonly mode: GpuMode;
  /**
   * What computes and stands in the id. Needed for `webgpu` (from `openAdapter`) and `gpu`, whose bits depend on it; not allowed for `cpu` and
   * `webasm`, whose bits do not.
   */
  readonly adapter?: OpenAdapter | Adapter;
  /** Who executes plans there (`probeExecutor`), so that `executes` says it before the first run. */
  readonly executor?: Executor;
}

/**
 * The gpu.js backend: each program becomes one `createPipeline` plan for each set of shapes, compiled when it is first run. Float32 only.
 *
 * Ids: `gpu-cpu-v8-<major.minor>/2` and `gpu-webasm-v8-<major.minor>/2` (both take exp, log and tanh from V8), `gpu-webgpu-<adapter>-<driver>/2`,
 * `gpu-gpu-<adapter>-<driver>/2`. `executes` says who executes plans, and why gpu.js did not fuse them, where it did not: after
 * the first run, or at once where `executor` is given.
 *
 * @throws BpttError `failed-precondition` where this machine does not have the mode; it never falls back to another one
 * @throws BpttError `invalid-argument` where an adapter is missing, or given without need
 */
export function gpuBackend(options: GpuBackendOptions): Backend {
  const { mode, adapter } = options;
  const id = backendId(options);
  const device = openDevice(mode, adapter);
  const plans = createPlanCache(PLANS_MAX);
  let parameters: Record<string, HostMatrix> = {};
  let { executor } = options;
  let running = false;
  let disposed = false;
  return {
    id,
    get executes() {
      return describeExecution(device, executor);
    },
    setParameters(layout: ParameterLayout, values: FloatArray) {
      assert(values instanceof Float32Array, () => `setParameters: the gpu.js backend computes in float32, got ${values.constructor.name}`);
      parameters = Object.fromEntries(layout.tensors.map((tensor) => [tensor.name, { ...matrixShape(tensor), values: viewTensor(values, tensor) }]));
    },
    async run(program: Program, inputs: ProgramInputs<HostMatrix, Int32Array>) {
      assert(!running && !disposed, () => `run of ${program.key}: the backend is ${disposed ? 'disposed' : 'running'}`);
      running = true;
      try {
        const values = { parameters, ...inputs };
        // A plan opens a gpu.js of its own: gpu.js keeps every kernel it made until the whole instance is destroyed.
        const plan = plans.obtain(`${program.key}: ${planSignature(values)}`, () => compilePlan(openDevice(mode, adapter), program, values));
        const results = await plan.run(values);
        ({ executor } = plan);
        return results;
      } finally {
        running = false;
      }
    },
    dispose() {
      disposed = true;
      plans.dispose();
      parameters = {};
    },
  };
}

/**
 * Runs a plan of one step, and tells who executed it and why gpu.js did not fuse it.
 * @throws BpttError as `gpuBackend` does
 */
export async function probeExecutor(options: GpuBackendOptions): Promise<Executor> {
  const program: Program = { key: 'probe', trace: (operations) => ({ zero: operations.zeros(1, 1) }) };
  const inputs = { parameters: {}, matrices: {}, ids: {} };
  const plan = compilePlan(openDevice(options.mode, options.adapter), program, inputs);
  try {
    await plan.run(inputs);
    assert(plan.executor !== undefined, () => 'probeExecutor: a plan ran without an executor');
    return plan.executor;
  } finally {
    plan.dispose();
  }
}

function backendId({ mode, adapter }: GpuBackendOptions): string {
  const needsAdapter = mode === 'webgpu' || mode === 'gpu';
  if (needsAdapter !== (adapter !== undefined)) {
    throw new BpttError('invalid-argument', `gpu.js mode ${mode}: expected ${needsAdapter ? 'an adapter for the id' : 'no adapter'}, got ${adapter?.name ?? 'none'}`);
  }
  return `gpu-${mode}-${adapter === undefined ? `v8-${v8Version()}` : slug(`${adapter.name} ${adapter.driver}`)}/${String(REVISION)}`;
}

function describeExecution({ kernelClass, executorKind, adapter }: Device, executor: Executor | undefined): string {
  const reason = executor?.fallbackReason ?? null;
  return [
    `gpu.js ${kernelClass}`,
    ...(adapter === undefined ? [] : [`${adapter.software ? 'software' : 'hardware'} adapter ${adapter.name} (${adapter.driver})`]),
    `${executor?.kind ?? executorKind} plans${reason === null ? '' : ` (${reason})`}`,
  ].join(', ');
}

/** Major and minor version of V8. */
function v8Version(): string {
  return process.versions.v8.split('.').slice(0, 2).join('.');
}
