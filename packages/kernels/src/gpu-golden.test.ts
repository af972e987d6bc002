import { describeGoldenModels } from '@bptt/core/testing';
import { gpuBackend } from './gpu-backend.js';

for (const mode of ['cpu', 'webasm'] as const) describeGoldenModels(`gpu.js ${mode}`, () => gpuBackend({ mode }));
