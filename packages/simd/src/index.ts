export { SIMD_BUILDS, type SimdBuild } from './kernels.js';
export type { Blocking } from './operands.js';
export { KernelMemory, MEMORY_BYTES_LIMIT, type SharedMemory } from './kernel-memory.js';
export { simdArithmetic } from './simd-arithmetic.js';
export type { Block, LeftOperand, Products, ProductShape, RightOperand } from './products.js';
export { createThreadMemory, openThreadMemory, type OpenedThreadMemory, type ThreadMemory } from './thread-memory.js';
export { createSimdBackend, simdBackend, type SimdBackendOptions, type SimdVariant } from './simd-backend.js';
