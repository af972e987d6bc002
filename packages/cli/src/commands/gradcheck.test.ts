import { assertMicroshard, countSequences, countTargets } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { raggedMicroshard } from './gradcheck.js';

describe('raggedMicroshard', () => {
  it('has sequences of different lengths, each with at least one word', () => {
    const microshard = raggedMicroshard({ vocabulary: 9, length: 4, batch: 6, seed: 1 });
    assertMicroshard(microshard, 9);
    expect(countTargets(microshard)).toBe(4 + 3 + 2 + 1 + 1 + 1);
    expect(countSequences(microshard)).toBe(6);
    expect(raggedMicroshard({ vocabulary: 9, length: 4, batch: 6, seed: 1 })).toEqual(microshard);
    expect(raggedMicroshard({ vocabulary: 9, length: 4, batch: 6, seed: 2 })).not.toEqual(microshard);
  });
});
