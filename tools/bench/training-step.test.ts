import { describe, expect, it } from 'vitest';
import { MODEL_DEFAULTS, referenceBackend } from '@bptt/core';
import { trainingSteps } from './training-step.js';
import { lstm200, WORKLOADS, type Workload } from './workload.js';

const backend = (): ReturnType<typeof referenceBackend> => referenceBackend({ precision: 'float32' });

describe('training steps of a backend', () => {
  it('are made on sentences, and it is said what executes', async () => {
    const small: Workload = { ...WORKLOADS[0], T: 3, B: 2, model: { ...MODEL_DEFAULTS, biases: false, vocabulary: 12, hidden: [4] } };
    const work = trainingSteps(backend(), small);
    expect(await work.step()).toBeGreaterThan(0);
    expect(await work.step()).toBeGreaterThan(0);
    expect(work.executes).toContain('reference/1');
    await work.close();
  });

  it('carry states, clip, and know the adaptive head', async () => {
    const model = { vocabulary: 40, embedding: 4, hidden: [4, 4], head: { kind: 'adaptive', cutoffs: [4, 16], divValue: 2 } } as const;
    const work = trainingSteps(backend(), { ...lstm200('small', 2, model), T: 5, truncation: { kind: 'chunk', k: 5 } });
    for (let step = 0; step < 3; step += 1) expect(await work.step()).toBeGreaterThan(0);
    await work.close();
  });
});
