import { BpttError, type Backend } from '@bptt/core';
import { createSimdBackend, type SimdBackendOptions, type SimdBuild } from '@bptt/simd';
import { blasProducts } from './blas-products.js';
import { openBlas } from './library.js';

/** Bumped whenever something beside the library changes the bits of a result. */
const REVISION = 5;

/**
 * The simd backend with its products by the BLAS of this machine, one thread a call, and the kernels of `simd-relaxed` where it can run them. The id names the library, its version and the
 * processor that its kernels are for, for instance `blas-openblas-0.3.21-haswell-1thread/5`; with the kernels of `simd` it ends in `-1thread-simd/5`. Float32 only.
 *
 * @throws BpttError `failed-precondition` where there is no BLAS, saying how to install one; `resource-exhausted` as `simdBackend`
 */
export function blasBackend({ within }: Pick<SimdBackendOptions, 'within'> = {}): Backend {
  const library = openBlas();
  const make = (build: SimdBuild, kernels: string): Backend => createSimdBackend({ build, within }, {
    id: `blas-${library.name}-1thread${kernels}/${String(REVISION)}`,
    executes: `BLAS: ${library.description}`,
    products: (memory, own) => blasProducts(library, memory, own),
  });
  try {
    return make('simd-relaxed', '');
  } catch (error) {
    if (error instanceof BpttError && error.code === 'failed-precondition') return make('simd', '-simd');
    throw error;
  }
}
