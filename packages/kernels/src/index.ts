export { listAdapters, openAdapter, preferredAdapter, webGlAdapter, type Adapter, type OpenAdapter } from './adapter.js';
export { GPU_MODES, type GpuMode } from './device.js';
export { gpuBackend, PLANS_MAX, probeExecutor, type GpuBackendOptions } from './gpu-backend.js';
export type { Executor } from './plan.js';
