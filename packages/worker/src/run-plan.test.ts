import { OBJECTIVE_DEFAULTS, parameterLayout, type Objective } from '@bptt/core';
import { manifestOf, objectiveMessageOf } from '@bptt/rpc';
import { describe, expect, it } from 'vitest';
import { createBackend } from './backends.js';
import { planRun } from './run-plan.js';
import { BACKEND_ID, MODEL } from './testing/fixtures.js';
import { healthyInfo, RUN_ID } from './testing/scripted-server.js';

describe('planRun', () => {
  it('takes the model, the objective, the seed and the backend of the run', () => {
    const objective: Objective = { ...OBJECTIVE_DEFAULTS, truncation: { kind: 'window', k: 4 }, dropout: 0.25 };
    const plan = planRun({ ...healthyInfo(), objective: objectiveMessageOf(objective), seed: 9 }, 'auto');
    expect(plan).toEqual({
      runId: RUN_ID, model: MODEL, objective, seed: 9, backendId: BACKEND_ID, manifestSha256: manifestOf(parameterLayout(MODEL)).sha256,
    });
  });

  it('keeps a backend that was asked for, so that the server can refuse it', () => {
    expect(planRun(healthyInfo(), 'simd').backendId).toBe(createBackend('simd').id);
  });

  it('refuses a server of another protocol version, naming both', () => {
    expect(() => planRun({ ...healthyInfo(), protocolVersionMin: 2, protocolVersionMax: 3 }, 'auto')).toThrow('protocol version: the server speaks 2 to 3, this worker 1');
  });

  it('refuses a server with another manifest, naming both hashes', () => {
    const other = manifestOf(parameterLayout({ ...MODEL, biases: false }));
    const own = healthyInfo().manifest?.sha256.toString('hex') ?? '';
    expect(() => planRun({ ...healthyInfo(), manifest: other }, 'auto')).toThrow(`manifest: the server has sha256 ${other.sha256.toString('hex')}, this worker ${own}`);
    expect(() => planRun({ ...healthyInfo(), manifest: null }, 'auto')).toThrow('manifest: the server has sha256 , this worker');
  });

  it('refuses a run whose backend this machine does not have', () => {
    expect(() => planRun({ ...healthyInfo(), backendId: 'simd/999' }, 'auto')).toThrow('the run needs simd/999');
  });
});
