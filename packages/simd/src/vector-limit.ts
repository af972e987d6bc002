import { KernelMemory } from './kernel-memory.js';
import { instantiateKernels, type SimdBuild } from './kernels.js';

const MEMORY_BYTES = 16 << 20;

/** Multiplications and additions of a build on registers alone: what no product of it can pass on this machine. For benchmarks. */
export interface VectorLimit {
  /** Floating-point operations of a turn. */
  readonly flopsPerTurn: number;
  /** Makes `turns` of them, at most 2^31 - 1. */
  readonly run: (turns: number) => void;
}

/** @throws BpttError `failed-precondition` when the kernels of `build` have not been built, or this machine cannot run them */
export function vectorLimit(build: SimdBuild): VectorLimit {
  const kernels = instantiateKernels(KernelMemory.create(MEMORY_BYTES), build);
  const MULTIPLY_ADDS = 8, LANES = 4;
  return { flopsPerTurn: 2 * MULTIPLY_ADDS * LANES, run: (turns) => { kernels.multiplyAddVectors(turns); } };
}
