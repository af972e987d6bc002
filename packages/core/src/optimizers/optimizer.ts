import type { Gradient, SparseRows } from '../gradient.js';
import { matrixShape, type ParameterLayout, type TensorSpec } from '../parameters.js';

/** What an optimiser makes a step of. It changes none of it. */
export interface OptimizerStep {
  readonly layout: ParameterLayout;
  readonly parameters: Float32Array;
  /** What it keeps from step to step, an array as long as the parameters for each name in `Optimizer.slots`; zero at first. */
  readonly slots: readonly Float32Array[];
  readonly gradient: Gradient;
  readonly learningRate: number;
  /** Steps done before this one, since the slots were zero. */
  readonly updates: number;
}

/** Where an optimiser writes a step: other arrays than it reads, so that readers are not disturbed and a step that overflows can be dropped. */
export interface OptimizerTarget {
  readonly parameters: Float32Array;
  readonly slots: readonly Float32Array[];
}

/**
 * A rule of descent. A row that a gradient lacks is a row of zeros: it decays, and its slots go on, as in PyTorch with a dense gradient. Numbers
 * are computed in float64 and rounded where they are stored.
 */
export interface Optimizer {
  /** Names of its slots, in the order of the arrays. */
  readonly slots: readonly string[];
  step(step: OptimizerStep, into: OptimizerTarget): void;
}

/** What every optimiser can do beside its rule. */
export interface Decay {
  /** Coupled decay, PyTorch's `weight_decay` of all but AdamW: `g <- g + l2 * p` before the rule. 0 for none. */
  readonly l2: number;
  /** Decoupled decay (Loshchilov and Hutter 2019): `p <- p - lr * weightDecay * p` beside the rule. 0 for none. */
  readonly weightDecay: number;
}

/**
 * Descends along the elements `[begin, end)` of the flat arrays, whose gradient is `values[at]`, `values[at + 1]`, ... A function of its own, with
 * its arrays and numbers in `pass`: a loop that finds these in a closure takes 1.7 times as long.
 */
export type SpanDescent<P> = (pass: P, begin: number, end: number, values: Float32Array, at: number) => void;

/** Goes through all parameters with their gradient, in stretches: a dense tensor is one, each row of a row-sparse tensor is one, absent rows are zeros. */
export function forEachSpan<P>({ layout, gradient }: Pick<OptimizerStep, 'layout' | 'gradient'>, descend: SpanDescent<P>, pass: P): void {
  let at = 0;
  let sparse = 0;
  for (const tensor of layout.tensors) {
    const { begin, end } = tensor;
    if (tensor.rowSparse) {
      forEachRow(tensor, gradient.sparse[sparse], descend, pass);
      sparse += 1;
    } else {
      descend(pass, begin, end, gradient.dense, at);
      at += end - begin;
    }
  }
}

function forEachRow<P>(tensor: TensorSpec, { rows, values }: SparseRows, descend: SpanDescent<P>, pass: P): void {
  const { rows: rowCount, columns } = matrixShape(tensor);
  const zeros = new Float32Array(columns);
  let next = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const begin = tensor.begin + row * columns;
    const isPresent = next < rows.length && rows[next] === row;
    if (isPresent) descend(pass, begin, begin + columns, values, next * columns);
    else descend(pass, begin, begin + columns, zeros, 0);
    if (isPresent) next += 1;
  }
}
