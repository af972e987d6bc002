import { messageOf } from '@bptt/core';
import { describeBackend } from '@bptt/core/testing';
import * as gpuJs from 'gpu.js';
import { describe, expect, it } from 'vitest';
import { listAdapters, openAdapter, type OpenAdapter } from './adapter.js';
import { gpuBackend } from './gpu-backend.js';
import { describeGpuBackend } from './testing/gpu-backend-suite.js';

/** What of gpu.js' own device is needed here; its types leave it out. */
interface Context {
  readonly device: { createBuffer(description: { size: number; usage: number }): unknown };
}
const { WebGPUContext } = gpuJs as unknown as { readonly WebGPUContext: { acquire(): Promise<Context> } };

/** Uses of a buffer that exclude each other. */
const MAP_READ = 0x1;
const STORAGE = 0x80;

const found = await openAdapter().catch(messageOf);
if (typeof found === 'string') {
  console.warn(`skipped: ${found}`);
  describe.skip(`gpu.js webgpu: ${found}`, () => {
    it('passes the contract of backends', () => undefined);
  });
} else {
  describeWebGpu(found);
}

function describeWebGpu(adapter: OpenAdapter): void {
  const create = () => gpuBackend({ mode: 'webgpu', adapter });
  describeBackend('gpu.js webgpu', create);
  describeGpuBackend('webgpu', create);

  describe(`openAdapter() on ${adapter.name}`, () => {
    it('is one of the adapters of this machine, opened once', async () => {
      const { name, driver, software } = adapter;
      expect(await listAdapters()).toContainEqual({ name, driver, software });
      expect(await openAdapter()).toBe(adapter);
    });

    it('stands in the id and in what executes, a software adapter as one, before and after a plan ran', async () => {
      const backend = create();
      expect(backend.id).toMatch(/^gpu-webgpu-[a-z0-9.-]+\/2$/);
      const executes = `gpu.js WebGPUKernel, ${/swiftshader|llvmpipe/.test(adapter.name) ? 'software' : 'hardware'} adapter ${adapter.name} (${adapter.driver}), fused-encoder plans`;
      expect(backend.executes).toBe(executes);
      await backend.run({ key: 'zeros', trace: (operations) => ({ y: operations.zeros(1, 1) }) }, { matrices: {}, ids: {} });
      expect(backend.executes).toBe(executes);
      backend.dispose();
    });

    it('turns what the device refuses into an error', async () => {
      const { device } = await WebGPUContext.acquire();
      const refused = adapter.guard(() => {
        device.createBuffer({ size: 4, usage: MAP_READ | STORAGE });
        return Promise.resolve(1);
      });
      await expect(refused).rejects.toMatchObject({ code: 'failed-precondition', message: expect.stringContaining('WebGPU device: ') as unknown });
      expect(await adapter.guard(() => Promise.resolve(2))).toBe(2);
    });
  });
}
