import { BpttError, messageOf } from '@bptt/core';
import { GPU } from 'gpu.js';
import type { Adapter, OpenAdapter } from './adapter.js';

/** Modes of gpu.js that the backend can be asked for; `gpu` is WebGL, in its own window or headless. */
export const GPU_MODES = ['cpu', 'webasm', 'webgpu', 'gpu'] as const;
export type GpuMode = (typeof GPU_MODES)[number];

/** The kernel classes that count as the mode asked for. Anything else is a fallback, which gpu.js chooses without a word. */
const KERNEL_CLASSES: Readonly<Record<GpuMode, readonly string[]>> = {
  cpu: ['CPUKernel'],
  webasm: ['WebAssemblyKernel'],
  webgpu: ['WebGPUKernel'],
  gpu: ['WebGL2Kernel', 'WebGLKernel', 'HeadlessGLKernel'],
};

/** Who executes a plan in each mode of gpu.js, as its plans say it: `generic` walks the steps one by one, the others fuse them. */
const EXECUTOR_KINDS: Readonly<Record<GpuMode, string>> = { cpu: 'generic', webasm: 'fused-sync', webgpu: 'fused-encoder', gpu: 'generic' };

/** A gpu.js instance, and the class of the kernels that it makes. */
export interface Device {
  readonly gpu: GPU;
  /** Name of the kernel class, for instance `WebAssemblyKernel`. */
  readonly kernelClass: string;
  /** What gpu.js calls the mode of that class: a plan that executed says the same. */
  readonly kernelMode: string;
  /** Who executes its plans. Another one is a fallback. */
  readonly executorKind: string;
  /** What computes, where that is not the processor's own threads. */
  readonly adapter: Adapter | undefined;
  /** Runs `work`, and throws what the adapter refused meanwhile. */
  guard<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Opens gpu.js in `mode`. WebGPU needs `adapter` opened before (`openAdapter`).
 * @throws BpttError `failed-precondition` where this machine does not have the mode, also where gpu.js would use another one instead
 */
export function openDevice(mode: GpuMode, adapter?: Adapter | OpenAdapter): Device {
  let gpu: GPU;
  try {
    gpu = new GPU({ mode });
  } catch (cause) {
    throw unavailable(mode, messageOf(cause), cause);
  }
  const { name, mode: kernelMode } = gpu.Kernel;
  if (!KERNEL_CLASSES[mode].includes(name)) throw unavailable(mode, `gpu.js would run ${name}`);
  const guard: Device['guard'] = adapter !== undefined && 'guard' in adapter ? (work) => adapter.guard(work) : (work) => work();
  return { gpu, kernelClass: name, kernelMode, executorKind: EXECUTOR_KINDS[mode], adapter, guard };
}

function unavailable(mode: GpuMode, reason: string, cause?: unknown): BpttError {
  return new BpttError('failed-precondition', `gpu.js mode ${mode} is not available on this machine: expected ${KERNEL_CLASSES[mode].join(' or ')}, got: ${reason}`, { cause });
}
