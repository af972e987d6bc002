import { fileURLToPath } from 'node:url';
import type { SimdBuild } from '@bptt/simd';
import type { BackendDevice } from '@bptt/worker';
import type { BackendTask } from './backend-process.js';
import { absent, type Entrant } from './contender.js';
import { stepFlops } from './flops.js';
import { startNode } from './line-process.js';
import type { ProductShape } from './product-step.js';
import { threeDigits } from './text-table.js';
import type { Workload } from './workload.js';

const PROCESS = fileURLToPath(new URL('./backend-process.js', import.meta.url));
/** Most work of a step that a slow backend is asked for: more would take the benchmark minutes. */
const STEP_FLOPS_MAX: Readonly<Record<string, number>> = { reference: 15e9, 'gpu webasm': 1e9 };

/**
 * A backend of bptt, by its name on the command line, that trains on one thread in a process of its own.
 * @param device what `gpu` computes on, which stands behind its name
 */
export function backendEntrant(backend: string, workload: Workload, device?: BackendDevice): Entrant {
  const name = device === undefined ? backend : `${backend} ${device}`;
  const flops = stepFlops(workload);
  const most = STEP_FLOPS_MAX[name] ?? Infinity;
  if (flops > most) return absent(name, `too slow for a step of ${threeDigits(flops / 1e9)} GFLOP; it is asked for ${threeDigits(most / 1e9)} at most`);
  return taskEntrant(name, { kind: 'train', backend, ...(device !== undefined && { device }), workload });
}

/** The products of a backend of bptt, `products` a step. */
export function productEntrant(backend: string, shape: ProductShape, products: number): Entrant {
  return taskEntrant(backend, { kind: 'multiply', backend, shape, products });
}

/** Multiplications and additions in registers, `flops` a step. */
export function vectorEntrant(backend: SimdBuild, flops: number): Entrant {
  return taskEntrant(backend, { kind: 'vectors', backend, flops });
}

function taskEntrant(name: string, task: BackendTask): Entrant {
  return { name, open: () => startNode(name, PROCESS, [JSON.stringify(task)]) };
}
