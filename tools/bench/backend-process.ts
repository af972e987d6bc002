import { vectorLimit, type SimdBuild } from '@bptt/simd';
import { createBackend, type BackendDevice } from '@bptt/worker';
import { productSteps, type ProductShape } from './product-step.js';
import { serveSteps, type StepWork } from './step-server.js';
import { trainingSteps } from './training-step.js';
import type { Workload } from './workload.js';

/*
 * A backend of bptt in a process of its own, so that its memory and the code that the engine compiled for it are its own. The one argument is a
 * `BackendTask` as JSON. Speaks as `LineProcess` wants it.
 */

/** What a backend is to do for each line. */
export type BackendTask =
  | { readonly kind: 'train'; readonly backend: string; readonly device?: BackendDevice; readonly workload: Workload }
  | { readonly kind: 'multiply'; readonly backend: string; readonly shape: ProductShape; readonly products: number }
  | { readonly kind: 'vectors'; readonly backend: SimdBuild; readonly flops: number };

async function openTask(task: BackendTask): Promise<StepWork> {
  if (task.kind === 'vectors') return vectorSteps(task.backend, task.flops);
  if (task.kind === 'multiply') return productSteps((await createBackend(task.backend)).create(), task.shape, task.products);
  return trainingSteps((await createBackend(task.backend, task.device)).create(), task.workload);
}

/** Multiplications and additions in registers, `flops` a step. */
function vectorSteps(build: SimdBuild, flops: number): StepWork {
  const { flopsPerTurn, run } = vectorLimit(build);
  return {
    executes: `WebAssembly, ${build}`,
    step() {
      const begin = performance.now();
      run(Math.round(flops / flopsPerTurn));
      return Promise.resolve(performance.now() - begin);
    },
    close: () => undefined,
  };
}

const task = JSON.parse(process.argv[2]) as BackendTask;
process.exitCode = await serveSteps(() => openTask(task), { input: process.stdin, output: process.stdout, error: process.stderr });
