export { assertDevice, BACKEND_DEVICES, backendForId, BACKEND_NAMES, createBackend, FASTEST_FIRST, localAdapters, localBackends, localGpu, type BackendChoice, type BackendDevice, type BackendName } from './backends.js';
export { CALL_BACKOFF, RECONNECT_BACKOFF, type Backoff } from './backoff.js';
export { createComputePool, type ComputePool, type ComputePoolSettings, type MicroshardWork, type NodeResult, type NodeWork } from './compute-pool.js';
export type { ComputeSettings } from './thread-protocol.js';
export { runWorker, type WorkerOptions, type WorkerResult } from './worker.js';
export type { PushedOutcome, WorkerProgress } from './worker-event.js';
