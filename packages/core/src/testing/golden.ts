import { readFileSync } from 'node:fs';
import type { Microshard } from '../microshard.js';
import type { ModelConfig } from '../model-config.js';
import { fromPyTorch, viewTensor, type ParameterLayout } from '../parameters.js';

/** Files of golden cases: what PyTorch computes in float64, made by `tools/golden/language_model.py`, which says what is in them. */
export const GOLDEN_FILES = ['rnn-tanh', 'rnn-relu', 'gru', 'gru-reset-before', 'lstm', 'adaptive'] as const;
export type GoldenFile = (typeof GOLDEN_FILES)[number];

/** Numbers in lists of lists, row-major. */
export type Nested = number | readonly Nested[];

/** Tensors by name, as PyTorch orients them. */
export type GoldenTensors = Readonly<Record<string, Nested>>;

/** One model on one batch. Rows are time-major, `T * B`. */
export interface GoldenCase {
  readonly model: ModelConfig;
  readonly parameters: GoldenTensors;
  readonly T: number;
  readonly B: number;
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
  /** Layer, part, `[B, H]`. */
  readonly carry: Nested;
  /** Logits, or the log-probabilities of an adaptive softmax, `[T * B, V]`. */
  readonly scores: Nested;
  /** Nats, `[T * B]`; 0 without a target. */
  readonly losses: readonly number[];
  /** Of the sum of `losses`. */
  readonly gradients: GoldenTensors;
  /** Steps of SGD on this batch: mean loss of a target before each step, and the norm of its gradient before clipping. */
  readonly training: { readonly learningRate: number; readonly clip: number; readonly losses: readonly number[]; readonly norms: readonly number[] };
}

/** The cases of a file. */
export function goldenCases(file: GoldenFile): GoldenCase[] {
  const path = new URL(`golden/${file}.json`, import.meta.url);
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { readonly cases: (Omit<GoldenCase, 'model'> & { readonly config: ModelConfig })[] };
  return cases.map(({ config, ...golden }) => ({ ...golden, model: config }));
}

/** The batch of a case. */
export function goldenMicroshard({ T, B, inputs, targets }: Pick<GoldenCase, 'T' | 'B' | 'inputs' | 'targets'>): Microshard {
  return { index: 0, T, B, inputs: Int32Array.from(inputs), targets: Int32Array.from(targets), sequences: Int32Array.from({ length: B }, (_, b) => b) };
}

/** Tensors as the flat array of `layout`. */
export function flattenGolden(layout: ParameterLayout, tensors: GoldenTensors): Float64Array {
  const flat = new Float64Array(layout.size);
  for (const tensor of layout.tensors) viewTensor(flat, tensor).set(fromPyTorch(tensor, goldenNumbers(tensors[tensor.name])));
  return flat;
}

/** Nested numbers as one array. */
export function goldenNumbers(nested: Nested): Float64Array {
  return Float64Array.from(flatten(nested));
}

function flatten(nested: Nested): number[] {
  return typeof nested === 'number' ? [nested] : nested.flatMap(flatten);
}
