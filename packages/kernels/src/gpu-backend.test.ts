import { describeBackend } from '@bptt/core/testing';
import { describe, expect, it } from 'vitest';
import { gpuBackend, probeExecutor } from './gpu-backend.js';
import { describeGpuBackend } from './testing/gpu-backend-suite.js';

const EXECUTES = {
  cpu: ['gpu.js CPUKernel, generic plans', 'gpu.js CPUKernel, generic plans (pipeline backend is cpu; the fused executor requires webasm)'],
  webasm: ['gpu.js WebAssemblyKernel, fused-sync plans', 'gpu.js WebAssemblyKernel, fused-sync plans'],
} as const;

for (const mode of ['cpu', 'webasm'] as const) {
  describeBackend(`gpu.js ${mode}`, () => gpuBackend({ mode }));
  describeGpuBackend(mode, () => gpuBackend({ mode }));

  describe(`id of gpu.js ${mode}`, () => {
    it('names the mode and the version of V8, and says which kernels and plans execute, and why none is fused', async () => {
      const backend = gpuBackend({ mode });
      const [major, minor] = process.versions.v8.split('.');
      expect(backend.id).toBe(`gpu-${mode}-v8-${major}.${minor}/2`);
      expect(backend.executes).toBe(EXECUTES[mode][0]);
      await backend.run({ key: 'zeros', trace: (operations) => ({ y: operations.zeros(1, 1) }) }, { matrices: {}, ids: {} });
      expect(backend.executes).toBe(EXECUTES[mode][1]);
      backend.dispose();
    });

    it('says all that at once where plans were probed', async () => {
      const backend = gpuBackend({ mode, executor: await probeExecutor({ mode }) });
      expect(backend.executes).toBe(EXECUTES[mode][1]);
      backend.dispose();
    });
  });
}
