import { stream } from '@bptt/core';

/** Cumulative weights of Zipf's law: word `r`, counted from 0, in proportion to `1 / (r + 1)`. */
export function zipfTable(vocabulary: number): Float64Array {
  const table = new Float64Array(vocabulary);
  let sum = 0;
  for (let rank = 0; rank < vocabulary; rank += 1) {
    sum += 1 / (rank + 1);
    table[rank] = sum;
  }
  return table;
}

/** Share of the words below `end` among all that are drawn. */
export function zipfShare(table: Float64Array, end: number): number {
  return end <= 0 ? 0 : table[end - 1] / table[table.length - 1];
}

/** The word that a number in [0, 1) draws. */
export function zipfWord(table: Float64Array, uniform: number): number {
  const wanted = uniform * table[table.length - 1];
  let [low, high] = [0, table.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (table[middle] > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** `length` words by Zipf's law; other ones for each `index`. */
export function zipfWords(table: Float64Array, length: number, { seed, index }: { readonly seed: number; readonly index: number }): Int32Array {
  const random = stream(seed, 'benchmark words', index);
  return Int32Array.from({ length }, (_, i) => zipfWord(table, random.uniform(i)));
}

/** `length` words by Zipf's law at each call, other ones each time. */
export function zipfSource(vocabulary: number, length: number, seed: number): () => Int32Array {
  const table = zipfTable(vocabulary);
  let drawn = 0;
  return () => {
    drawn += 1;
    return zipfWords(table, length, { seed, index: drawn });
  };
}
