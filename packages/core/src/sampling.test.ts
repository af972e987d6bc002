import { describe, expect, it } from 'vitest';
import { stream } from './random.js';
import { logSumExp, sampleWord, type SamplingOptions } from './sampling.js';

/** Logits of the probabilities 0.5, 0.25, 0.125, 0.125. */
const logits = Float32Array.from([0.5, 0.25, 0.125, 0.125], Math.log);

function frequencies(options: SamplingOptions, draws = 20_000): number[] {
  const { uniform } = stream(3, 'sampling test');
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < draws; i += 1) {
    const word = sampleWord(logits, options, uniform(i));
    if (word !== undefined) counts[word] += 1;
  }
  return counts.map((count) => count / draws);
}

function expectNear(got: number[], want: number[]): void {
  got.forEach((share, word) => { expect(Math.abs(share - want[word]), `word ${String(word)}`).toBeLessThan(0.015); });
}

describe('sampleWord', () => {
  it('draws words by their probability', () => {
    expectNear(frequencies({}), [0.5, 0.25, 0.125, 0.125]);
  });

  it('sharpens below temperature 1, flattens above, and takes the likeliest at 0', () => {
    expectNear(frequencies({ temperature: 0.5 }), [0.25, 0.0625, 0.015625, 0.015625].map((p) => p / 0.34375));
    expectNear(frequencies({ temperature: 1000 }), [0.25, 0.25, 0.25, 0.25]);
    expect(frequencies({ temperature: 0 }, 50)).toEqual([1, 0, 0, 0]);
  });

  it('keeps to the k likeliest words and to the nucleus', () => {
    expectNear(frequencies({ topK: 2 }), [2 / 3, 1 / 3, 0, 0]);
    expectNear(frequencies({ topP: 0.7 }), [2 / 3, 1 / 3, 0, 0]);
    expect(frequencies({ topP: 0.01 }, 50)).toEqual([1, 0, 0, 0]);
  });

  it('never draws forbidden words or words without a finite logit', () => {
    expectNear(frequencies({ forbidden: new Set([0, 3]) }), [0, 2 / 3, 1 / 3, 0]);
    expect(sampleWord(Float32Array.of(NaN, -Infinity, 1), {}, 0.999)).toBe(2);
    expect(sampleWord(Float32Array.of(NaN, NaN), {}, 0.5)).toBeUndefined();
    expect(sampleWord(logits, { forbidden: new Set([0, 1, 2, 3]) }, 0.5)).toBeUndefined();
  });

  it('draws among certain words alone, by their probability', () => {
    expectNear(frequencies({ only: new Set([3, 1]) }), [0, 2 / 3, 0, 1 / 3]);
    expect(sampleWord(logits, { only: new Set([2]), forbidden: new Set([2]) }, 0.5)).toBeUndefined();
    expect(sampleWord(Float32Array.of(1, 1, 1), { only: new Set([2, 1]), temperature: 0 }, 0), 'ranked by id, whatever the order of the set').toBe(1);
  });

  it('ranks equal logits by id and survives the largest random number', () => {
    expect(sampleWord(Float32Array.of(1, 1, 1), { temperature: 0 }, 0)).toBe(0);
    expect(sampleWord(Float32Array.of(1, 1, 1), {}, 1 - 2 ** -32)).toBe(2);
  });
});

describe('logSumExp', () => {
  it('normalises logits of any size', () => {
    expect(logSumExp(logits)).toBeCloseTo(0, 7);
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.log(2), 10);
    expect(logSumExp(Float32Array.of(-1000, -Infinity))).toBe(-1000);
    expect(logSumExp(Float32Array.of(1, NaN, 2))).toBeNaN();
    expect(logSumExp(Float32Array.of(NaN, 2))).toBeNaN();
  });
});
