import { describe, expect, it } from 'vitest';
import { backendEntrant } from './backend-contender.js';
import { Unavailable } from './contender.js';
import { WORKLOADS } from './workload.js';

describe('a backend as a contender', () => {
  it('is not asked for steps that would take it minutes', async () => {
    const large = WORKLOADS.find(({ name }) => name === 'lstm-650');
    if (large === undefined) throw new Error('no such workload');
    await expect(backendEntrant('gpu', large, 'webasm').open()).rejects.toThrow(new Unavailable('too slow for a step of 55.7 GFLOP; it is asked for 1 at most'));
  });
});
