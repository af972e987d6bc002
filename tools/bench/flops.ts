import { headOf, type ModelConfig } from '@bptt/core';
import type { Workload } from './workload.js';
import { zipfShare, zipfTable } from './zipf.js';

/** Products of matrices on the way back for each on the way there: one gives the gradient of its weights, one that of what it read. */
const PRODUCTS_BACK = 2;
const GATES = { rnn: 1, gru: 3, lstm: 4 } as const;

/** Floating-point operations of `[m, k] x [k, n]`: a multiplication and an addition for each element of each inner product. */
export function productFlops(m: number, k: number, n: number): number {
  return 2 * m * k * n;
}

/**
 * Floating-point operations of a training step, counted from the shapes: every product of the forward pass and the two of the way back. What is done element by element
 * is left out, and so is what a truncation adds (the windows of `window:k`) or a contender does twice: all contenders of a workload have the same count.
 */
export function stepFlops({ model, T, B }: Pick<Workload, 'model' | 'T' | 'B'>): number {
  return (1 + PRODUCTS_BACK) * T * B * (recurrentFlops(model) + headFlops(model));
}

/** Of one word in all layers. A one-hot word is a row that is looked up, no product. */
function recurrentFlops({ cell, hidden, input, embedding }: ModelConfig): number {
  return hidden.reduce((sum, units, layer) => {
    const below = layer > 0 ? hidden[layer - 1] : input === 'onehot' ? 0 : embedding;
    return sum + productFlops(1, below + units, GATES[cell] * units);
  }, 0);
}

/** Of one word in the output layer: a product by each of its matrices, by those of a tail where the word lies in it. */
function headFlops(model: ModelConfig): number {
  return headOf(model).declarations.filter(({ shape }) => shape.length === 2).reduce((sum, { name, shape: [rows, columns] }) => sum + shareOf(model, name) * productFlops(1, columns, rows), 0);
}

/** Share of the words, by Zipf's law, that a matrix of the output layer is needed for. */
function shareOf({ head, vocabulary }: ModelConfig, name: string): number {
  const tail = /^decoder\.tail\.(\d+)\./.exec(name)?.at(1);
  if (head.kind !== 'adaptive' || tail === undefined) return 1;
  const table = zipfTable(vocabulary);
  const bounds = [...head.cutoffs, vocabulary];
  return zipfShare(table, bounds[Number(tail) + 1]) - zipfShare(table, bounds[Number(tail)]);
}
