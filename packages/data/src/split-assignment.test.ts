import { describe, expect, it } from 'vitest';
import { assignSplits } from './split-assignment.js';
import type { SplitName } from './sources.js';

function count(sentences: number): Record<SplitName, number> {
  const counts = { train: 0, valid: 0, test: 0 };
  const splitOf = assignSplits(sentences);
  for (let i = 0; i < sentences; i += 1) counts[splitOf(i)] += 1;
  return counts;
}

describe('assignSplits', () => {
  it('gives every split something as soon as there are three sentences', () => {
    for (let sentences = 3; sentences < 450; sentences += 1) {
      const { train, valid, test } = count(sentences);
      expect(Math.min(train, valid, test), `${String(sentences)} sentences`).toBeGreaterThanOrEqual(1);
      expect(train).toBeGreaterThanOrEqual(valid + test - 1);
    }
  });

  it('gives a twentieth each to validation and test, in blocks of 100', () => {
    expect(count(20_000)).toEqual({ train: 18_000, valid: 1000, test: 1000 });
    const splitOf = assignSplits(20_000);
    expect([899, 900, 999, 1000, 1899, 1900, 1999, 2000].map(splitOf)).toEqual(['train', 'valid', 'valid', 'train', 'train', 'test', 'test', 'train']);
  });

  it('leaves a shorter text to training', () => {
    expect(count(2)).toEqual({ train: 2, valid: 0, test: 0 });
  });
});
