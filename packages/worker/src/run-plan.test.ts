import { OBJECTIVE_DEFAULTS, parameterLayout, type Objective } from '@bptt/core';
import { manifestOf, objectiveMessageOf } from '@bptt/rpc';
import { describe, expect, it } from 'vitest';
import { createBackend } from './backends.js';
import { planRun } from './run-plan.js';
import { BACKEND_ID, MODEL } from './testing/fixtures.js';
import { healthyInfo, RUN_ID } from './testing/scripted-server.js';

describe('planRun', () => {
  it('takes the model, the objective, the seed and the backend of the run', async () => {
    const objective: Objective = { ...OBJECTIVE_DEFAULTS, truncation: { kind: 'window', k: 4 }, dropout: 0.25 };
    const plan = await planRun({ ...healthyInfo(), objective: objectiveMessageOf(objective), seed: 9 }, 'auto');
    expect(plan).toEqual({
      runId: RUN_ID, model: MODEL, objective, seed: 9, backendId: BACKEND_ID, manifestSha256: manifestOf(parameterLayout(MODEL)).sha256,
    });
  });

  it('keeps a backend that was asked for, so that the server can refuse it', async () => {
    expect((await planRun(healthyInfo(), 'simd')).backendId).toBe((await createBackend('simd')).id);
  });

  it('takes for gpu without a device the one of the run', async () => {
    const { id } = await createBackend('gpu', 'cpu');
    expect((await planRun({ ...healthyInfo(), backendId: id }, 'gpu')).backendId).toBe(id);
    expect((await planRun(healthyInfo(), 'gpu')).backendId).toBe((await createBackend('gpu')).id);
  });

  it('refuses a device beside the backend of the run, whose id names its own', async () => {
    await expect(planRun(healthyInfo(), 'auto', 'webgpu')).rejects.toMatchObject({ code: 'invalid-argument' });
    expect((await planRun(healthyInfo(), 'gpu', 'cpu')).backendId).toBe((await createBackend('gpu', 'cpu')).id);
  });

  it('refuses a server of another protocol version, naming both', async () => {
    await expect(planRun({ ...healthyInfo(), protocolVersionMin: 3, protocolVersionMax: 4 }, 'auto')).rejects.toThrow('protocol version: the server speaks 3 to 4, this worker 2');
  });

  it('refuses a server with another manifest, naming both hashes', async () => {
    const other = manifestOf(parameterLayout({ ...MODEL, biases: false }));
    const own = healthyInfo().manifest?.sha256.toString('hex') ?? '';
    await expect(planRun({ ...healthyInfo(), manifest: other }, 'auto')).rejects.toThrow(`manifest: the server has sha256 ${other.sha256.toString('hex')}, this worker ${own}`);
    await expect(planRun({ ...healthyInfo(), manifest: null }, 'auto')).rejects.toThrow('manifest: the server has sha256 , this worker');
  });

  it('refuses a run whose backend this machine does not have', async () => {
    await expect(planRun({ ...healthyInfo(), backendId: 'simd/999' }, 'auto')).rejects.toThrow('the run needs simd/999');
  });
});
