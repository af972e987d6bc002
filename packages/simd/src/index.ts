export { BlockPool, type BlockChecks, type BlockPoolOptions } from './block-pool.js';
export { callBack, chunksHelped, createCrewBoard, letHelp, setWorking, strikeOff, type CrewPlace } from './crew.js';
export type { KernelMemory, MemoryShare, SharedMemory } from './kernel-memory.js';
export { SIMD_BUILDS, type SimdBuild } from './kernels.js';
export type { KernelProducts, Products, ProductShape } from './products.js';
export { createSimdBackend, simdBackend, type SimdBackendOptions, type SimdVariant } from './simd-backend.js';
export { createThreadMemory, openThreadMemory, type OpenedThreadMemory, type ThreadMemory } from './thread-memory.js';
export { vectorLimit, type VectorLimit } from './vector-limit.js';
