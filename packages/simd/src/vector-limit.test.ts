import { describe, expect, it } from 'vitest';
import { KernelMemory } from './kernel-memory.js';
import { instantiateKernels, SIMD_BUILDS } from './kernels.js';
import { vectorLimit } from './vector-limit.js';

describe.each(SIMD_BUILDS)('the limit of vectors of %s', (build) => {
  it('makes all turns', () => {
    const kernels = instantiateKernels(KernelMemory.create(1 << 24), build);
    // The accumulators hold 1 to 16 twice to begin with; a turn adds 1 to 16 once and twice.
    expect([0, 1, 2, 1001].map((turns) => kernels.multiplyAddVectors(turns))).toEqual([272, 680, 1088, 272 + 1001 * 408]);
  });

  it('has eight multiplications and eight additions of four floats a turn', () => {
    const limit = vectorLimit(build);
    limit.run(10);
    expect(limit.flopsPerTurn).toBe(64);
  });
});
