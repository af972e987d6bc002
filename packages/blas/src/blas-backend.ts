import type { Backend } from '@bptt/core';
import { createSimdBackend, type SimdBackendOptions } from '@bptt/simd';
import { blasProducts } from './blas-products.js';
import { openBlas } from './library.js';

/** Bumped whenever something beside the library changes the bits of a result. */
const REVISION = 4;

/**
 * The simd backend with its products by the BLAS of this machine, one thread a call. The id names the library, its version and the processor that its
 * kernels are for, for instance `blas-openblas-0.3.21-haswell-1thread/4`. Float32 only.
 *
 * @throws BpttError `failed-precondition` where there is no BLAS, saying how to install one; `resource-exhausted` as `simdBackend`
 */
export function blasBackend({ within }: Pick<SimdBackendOptions, 'within'> = {}): Backend {
  const library = openBlas();
  return createSimdBackend({ within }, {
    id: `blas-${library.name}-1thread/${String(REVISION)}`,
    executes: `BLAS: ${library.description}`,
    products: (memory, own) => blasProducts(library, memory, own),
  });
}
