import { describe, expect, it } from 'vitest';
import { OBJECTIVE_DEFAULTS } from '@bptt/core';
import { memorySplit } from '@bptt/data';
import { corpusRunData } from './corpus-data.js';

describe('corpusRunData', () => {
  it('trains on the training split and evaluates on the validation split', () => {
    const train = memorySplit([Int32Array.of(3, 4, 5), Int32Array.of(4, 3), Int32Array.of(5, 5), Int32Array.of(3)]);
    const valid = memorySplit([Int32Array.of(6, 6)]);
    const data = corpusRunData({ hash: 'abc', train, valid }, { batch: 2, microshards: 2, seed: 1, objective: OBJECTIVE_DEFAULTS });
    expect(data).toMatchObject({ hash: 'abc', stepsPerEpoch: 2, microshards: 2 });
    expect(data.batch(0)).toMatchObject({ epoch: 0, startsEpoch: true, counts: { sequences: 2 } });
    expect(data.evaluation.count).toBe(1);
    expect([...data.evaluation.microshard(0).inputs]).toContain(6);
  });
});
