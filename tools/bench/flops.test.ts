import { describe, expect, it } from 'vitest';
import { productFlops, stepFlops } from './flops.js';
import { WORKLOADS } from './workload.js';
import { zipfShare, zipfTable, zipfWord, zipfWords } from './zipf.js';

describe('floating-point operations', () => {
  it('of a product are two for each element of each inner product', () => {
    expect(productFlops(2, 3, 5)).toBe(60);
  });

  it.each([
    // A word in one-hot: W_hh [100, 100] and the output [8000, 100].
    ['tutorial', 3 * 20 * 2 * (100 * 100 + 100 * 8_000)],
    // Each layer reads 200 and its own 200, four gates; the output [10000, 200].
    ['lstm-200', 3 * 700 * 2 * (2 * 400 * 800 + 200 * 10_000)],
    ['gru-256', 3 * 1024 * 2 * (512 * 768 + 256 * 5_000)],
  ])('of a step of %s are counted from its shapes', (name, flops) => {
    const workload = WORKLOADS.find((other) => other.name === name);
    expect(workload && stepFlops(workload)).toBe(flops);
  });

  it('of an adaptive softmax count a tail by the share of its words', () => {
    const [adaptive] = WORKLOADS.filter(({ name }) => name === 'lstm-200-adaptive');
    const table = zipfTable(10_000);
    const [share0, share1] = [zipfShare(table, 4_000) - zipfShare(table, 1_000), 1 - zipfShare(table, 4_000)];
    const head = 1_002 * 200 + share0 * (50 * 200 + 3_000 * 50) + share1 * (12 * 200 + 6_000 * 12);
    expect(stepFlops(adaptive)).toBeCloseTo(3 * 700 * 2 * (2 * 400 * 800 + head), -3);
  });
});

describe("words by Zipf's law", () => {
  const table = zipfTable(4);

  it('have shares in proportion to 1, 1/2, 1/3, ...', () => {
    expect([0, 1, 2, 3, 4].map((end) => zipfShare(table, end))).toEqual([0, 12 / 25, 18 / 25, 22 / 25, 1].map((share) => expect.closeTo(share, 12) as number));
  });

  it('are drawn by these shares', () => {
    expect([0, 0.479, 0.481, 0.719, 0.721, 0.879, 0.881, 0.9999].map((uniform) => zipfWord(table, uniform))).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    const words = zipfWords(table, 10_000, { seed: 1, index: 0 });
    expect(words.filter((word) => word === 0).length / 10_000).toBeCloseTo(0.48, 1);
    expect(zipfWords(table, 10_000, { seed: 1, index: 1 })).not.toEqual(words);
  });
});
