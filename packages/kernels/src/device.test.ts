import { GPU } from 'gpu.js';
import { describe, expect, it } from 'vitest';
import { openDevice } from './device.js';
import { gpuBackend } from './gpu-backend.js';

describe('openDevice()', () => {
  it('names the class of kernels that it opened', () => {
    expect(openDevice('cpu')).toMatchObject({ kernelClass: 'CPUKernel', kernelMode: 'cpu' });
    expect(openDevice('webasm')).toMatchObject({ kernelClass: 'WebAssemblyKernel', kernelMode: 'webasm' });
  });

  // gpu.js itself answers this request with WebAssembly and goes on calling its mode "gpu".
  it.skipIf(GPU.isHeadlessGLSupported || GPU.isWebGLSupported)('refuses WebGL on a machine without it, naming what gpu.js would run instead', () => {
    expect(() => openDevice('gpu')).toThrow(expect.objectContaining({
      code: 'failed-precondition',
      message: 'gpu.js mode gpu is not available on this machine: expected WebGL2Kernel or WebGLKernel or HeadlessGLKernel, got: gpu.js would run WebAssemblyKernel',
    }));
  });

  it.skipIf(GPU.isWebGPUSupported)('refuses WebGPU on a machine without it', () => {
    expect(() => gpuBackend({ mode: 'webgpu', adapter: 'none-1' })).toThrow(expect.objectContaining({ name: 'BpttError', code: 'failed-precondition' }));
  });

  it('takes no adapter where bits do not depend on one', () => {
    expect(() => gpuBackend({ mode: 'cpu', adapter: 'nvidia-1' })).toThrow(expect.objectContaining({ code: 'invalid-argument', message: 'gpu.js mode cpu: expected no adapter, got nvidia-1' }));
  });
});
