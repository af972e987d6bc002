import { describe, expect, it } from 'vitest';
import { referenceBackend } from '@bptt/core';
import { productSteps } from './product-step.js';

describe('products of a backend', () => {
  it('are all made', async () => {
    const work = productSteps(referenceBackend({ precision: 'float32' }), { m: 3, k: 4, n: 5 }, 6);
    expect(await work.step()).toBeGreaterThan(0);
    await work.close();
  });

  it('are refused where one is not there', async () => {
    const backend = referenceBackend({ precision: 'float32' });
    const broken = { ...backend, id: 'broken/1', run: () => Promise.resolve({ rows: { rows: 1, columns: 5, values: new Float32Array(5) } }) };
    await expect(productSteps(broken, { m: 3, k: 4, n: 5 }, 6).step()).rejects.toThrow('broken/1: expected 6 rows of 5 finite numbers');
  });
});
