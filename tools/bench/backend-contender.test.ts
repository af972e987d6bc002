import { describe, expect, it } from 'vitest';
import { BpttError, referenceBackend } from '@bptt/core';
import { backendEntrant } from './backend-contender.js';
import { Unavailable } from './contender.js';
import { workloads, type Workload } from './workload.js';

const [TUTORIAL] = workloads(true);
const SMALL: Workload = { ...TUTORIAL, T: 3, B: 2, model: { ...TUTORIAL.model, vocabulary: 12, hidden: [4] } };

describe('a backend as a contender', () => {
  it('trains, and says what really executes', async () => {
    const contender = await backendEntrant('reference', () => referenceBackend({ precision: 'float32' }), SMALL).open();
    expect(await contender.step()).toBeGreaterThan(0);
    expect(await contender.step()).toBeGreaterThan(0);
    expect(contender.executes).toContain('reference/1');
    await contender.close();
  });

  it('is unavailable where the machine does not have it', async () => {
    const missing = backendEntrant('gpu', () => { throw new BpttError('failed-precondition', 'no adapter'); }, SMALL);
    await expect(missing.open()).rejects.toThrow(new Unavailable('no adapter'));
  });

  it('hides no other fault', async () => {
    const broken = backendEntrant('gpu', () => { throw new BpttError('internal', 'broken'); }, SMALL);
    await expect(broken.open()).rejects.toBeInstanceOf(BpttError);
  });
});

describe('workloads', () => {
  it('are the tutorial with window:4 and full, alone and 32 at a time', () => {
    expect(workloads(false).map(({ name, truncation, T, B }) => [name, truncation.kind, T, B])).toEqual([
      ['tutorial', 'window', 20, 1], ['tutorial', 'full', 20, 1], ['tutorial-32', 'window', 20, 32], ['tutorial-32', 'full', 20, 32],
    ]);
    expect(workloads(true).map(({ B }) => B)).toEqual([1, 1]);
  });
});
