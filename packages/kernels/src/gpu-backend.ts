import { assert, BpttError, matrixShape, viewTensor, type Backend, type FloatArray, type HostMatrix, type ParameterLayout, type Program, type ProgramInputs } from '@bptt/core';
import { openDevice, type GpuMode } from './device.js';
import { compilePlan, planSignature } from './plan.js';
import { createPlanCache } from './plan-cache.js';

/** Bumped whenever kernels or gpu.js change the bits of a result. */
const REVISION = 1;

/**
 * Compiled plans that a backend holds. `data` pads microshards to a small fixed set of lengths; each needs one plan for training and
 * one for evaluation.
 */
export const PLANS_MAX = 16;

export interface GpuBackendOptions {
  /** Which executor of gpu.js to use. `gpu` is WebGL. */
  readonly mode: GpuMode;
  /**
   * Adapter and driver, as they shall stand in the id, for instance `nvidia-h200-550.54`. Needed for `webgpu` and `gpu`, whose bits depend
   * on it; not allowed for `cpu` and `webasm`, whose bits do not.
   */
  readonly adapter?: string;
}

/**
 * The gpu.js backend: each program becomes one `createPipeline` plan for each set of shapes, compiled when it is first run. Float32 only.
 *
 * Ids: `gpu-cpu-v8-<major.minor>/1` and `gpu-webasm-v8-<major.minor>/1` (both take exp, log and tanh from V8), `gpu-webgpu-<adapter>/1`,
 * `gpu-gpu-<adapter>/1`.
 *
 * @throws BpttError `failed-precondition` where this machine does not have the mode; it never falls back to another one
 * @throws BpttError `invalid-argument` where an adapter is missing, or given without need
 */
export function gpuBackend(options: GpuBackendOptions): Backend {
  const { mode } = options;
  const { kernelClass } = openDevice(mode);
  const id = backendId(options);
  const plans = createPlanCache(PLANS_MAX);
  let parameters: Record<string, HostMatrix> = {};
  let running = false;
  let disposed = false;
  return {
    id,
    executes: `gpu.js ${kernelClass}`,
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
        const plan = plans.obtain(`${program.key}: ${planSignature(values)}`, () => compilePlan(openDevice(mode), program, values));
        return await plan.run(values);
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

function backendId({ mode, adapter }: GpuBackendOptions): string {
  const needsAdapter = mode === 'webgpu' || mode === 'gpu';
  if (needsAdapter !== (adapter !== undefined)) {
    throw new BpttError('invalid-argument', `gpu.js mode ${mode}: expected ${needsAdapter ? 'an adapter for the id' : 'no adapter'}, got ${adapter ?? 'none'}`);
  }
  return `gpu-${mode}-${adapter ?? `v8-${v8Version()}`}/${String(REVISION)}`;
}

/** Major and minor version of V8. */
function v8Version(): string {
  return process.versions.v8.split('.').slice(0, 2).join('.');
}
