import { GPU } from 'gpu.js';
import { describe, expect, it } from 'vitest';
import type { Adapter } from './adapter.js';
import { openDevice } from './device.js';
import { gpuBackend } from './gpu-backend.js';

const NOT_OPENED: Adapter = { name: 'nvidia', driver: '1', software: false };

describe('openDevice()', () => {
  it('names the class of kernels that it opened', () => {
    expect(openDevice('cpu')).toMatchObject({ kernelClass: 'CPUKernel', kernelMode: 'cpu', executorKind: 'generic' });
    expect(openDevice('webasm')).toMatchObject({ kernelClass: 'WebAssemblyKernel', kernelMode: 'webasm', executorKind: 'fused-sync' });
  });

  // gpu.js itself answers this request with WebAssembly and goes on calling its mode "gpu".
  it.skipIf(GPU.isHeadlessGLSupported || GPU.isWebGLSupported)('refuses WebGL on a machine without it, naming what gpu.js would run instead', () => {
    expect(() => openDevice('gpu')).toThrow(expect.objectContaining({
      code: 'failed-precondition',
      message: 'gpu.js mode gpu is not available on this machine: expected WebGL2Kernel or WebGLKernel or HeadlessGLKernel, got: gpu.js would run WebAssemblyKernel',
    }));
  });

  it('refuses WebGPU where no adapter was opened', () => {
    expect(() => gpuBackend({ mode: 'webgpu', adapter: NOT_OPENED })).toThrow(expect.objectContaining({ name: 'BpttError', code: 'failed-precondition' }));
  });

  it('takes no adapter where bits do not depend on one', () => {
    expect(() => gpuBackend({ mode: 'cpu', adapter: NOT_OPENED })).toThrow(expect.objectContaining({ code: 'invalid-argument', message: 'gpu.js mode cpu: expected no adapter, got nvidia' }));
  });
});
