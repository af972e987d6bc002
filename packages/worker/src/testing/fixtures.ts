import {
  addGradients, createMicroshardComputer, encodeGradient, gradientBytes, initializeParameters, MODEL_DEFAULTS, NO_TOKEN, OBJECTIVE_DEFAULTS, parameterLayout, reduceTree, referenceBackend, stream, tensorNamed,
  type Backend, type BatchContext, type Gradient, type Microshard, type MicroshardResult, type ModelConfig, type TreeNode, type Truncation,
} from '@bptt/core';
import type { MicroshardWork } from '../compute-pool.js';

/** A small model with every kind of tensor: row-sparse, dense, biases, two layers. */
export const MODEL: ModelConfig = { ...MODEL_DEFAULTS, input: 'embedding', vocabulary: 12, embedding: 3, hidden: [5, 5] };

/** The batch that test microshards are a part of; without dropout and penalties nothing of it is read. */
export const BATCH: BatchContext = { step: 0, counts: { tokens: 1, transitions: 1, sequences: 1 } };

export const BACKEND_ID = 'reference/1';

/** Initial parameters in memory that threads share. */
export function sharedParameters(model: ModelConfig, seed: number): Float32Array {
  const initial = initializeParameters(model, seed);
  const values = new Float32Array(new SharedArrayBuffer(initial.byteLength));
  values.set(initial);
  return values;
}

/** A microshard of seeded words; microshards of different indexes differ in their number of sequences. */
export function seededMicroshard(index: number): Microshard {
  const T = 4;
  const B = 1 + (index % 3);
  const words = (purpose: string): Int32Array => {
    const random = stream(index, purpose);
    return Int32Array.from({ length: T * B }, (_, i) => random.bits(i) % MODEL.vocabulary);
  };
  return { index, T, B, inputs: words('inputs'), targets: words('targets'), sequences: Int32Array.from({ length: B }, (_, b) => 10 * index + b) };
}

/** `microshard` with nothing to predict. */
export function withoutTargets(microshard: Microshard): Microshard {
  return { ...microshard, targets: microshard.targets.map(() => NO_TOKEN) };
}

/** Work that begins from zero states. */
export function fromZeros(microshards: readonly Microshard[]): MicroshardWork[] {
  return microshards.map((microshard) => ({ microshard, initialStates: undefined }));
}

/** The microshards `[0, width)`, all from zero states. */
export function seededWork(width: number): MicroshardWork[] {
  return fromZeros(Array.from({ length: width }, (_, index) => seededMicroshard(index)));
}

/**
 * Parameters with which losses are finite, and gradients of the upper layer's biases are of about -/+ 1.2e38 for each even or odd target: one unit of it is always zero, and has weights so large in the output
 * layer. Targets that are all even explode, targets in turn do not.
 */
export function explosive(): { readonly values: Float32Array; readonly targetsOf: (microshard: Microshard, explodes: boolean) => Int32Array } {
  const values = sharedParameters(MODEL, 1);
  const layout = parameterLayout(MODEL);
  const unit = 2;
  const [hidden] = MODEL.hidden;
  for (const name of ['rnn.weight_ih_l1', 'rnn.weight_hh_l1']) values.fill(0, tensorNamed(layout, name).begin + unit * hidden, tensorNamed(layout, name).begin + (unit + 1) * hidden);
  for (const name of ['rnn.bias_ih_l1', 'rnn.bias_hh_l1']) values[tensorNamed(layout, name).begin + unit] = 0;
  const { begin } = tensorNamed(layout, 'decoder.weight');
  for (let word = 0; word < MODEL.vocabulary; word += 1) values[begin + word * hidden + unit] = word % 2 === 0 ? 1.2e38 : -1.2e38;
  return { values, targetsOf: ({ targets }, explodes) => targets.map((_, i) => (explodes || i % 2 === 0 ? 2 : 3)) };
}

export interface SequentialResult {
  readonly lossSum: number;
  readonly encodedGradient: Uint8Array;
  /** One a microshard, in order. */
  readonly finalStates: readonly Float32Array[];
}

export interface SequentialOptions {
  readonly parameters: Float32Array;
  /** Default `full`. */
  readonly truncation?: Truncation;
  /** Default: the float32 reference. */
  readonly backend?: Backend;
}

/** What a node sums up to, computed one microshard after the other in the calling thread with nothing but core. */
export async function computeSequentially(node: TreeNode, work: readonly MicroshardWork[], options: SequentialOptions): Promise<SequentialResult> {
  const { parameters, truncation = { kind: 'full' }, backend = referenceBackend({ precision: 'float32' }) } = options;
  const computer = createMicroshardComputer({ backend, model: MODEL, objective: { ...OBJECTIVE_DEFAULTS, truncation }, seed: 1 });
  computer.setParameters(parameters);
  const results = new Map<number, MicroshardResult>();
  for (const { microshard, initialStates } of work) results.set(microshard.index, await computer.gradient(microshard, { initialStates }));
  const layout = parameterLayout(MODEL);
  const gradient = reduceTree<Gradient>(node, (index) => results.get(index)?.gradient, (left, right) => addGradients(layout, left, right));
  const lossSum = reduceTree(node, (index) => results.get(index)?.lossSum, (left, right) => left + right);
  if (gradient === undefined || lossSum === undefined) throw new Error('nothing to compute');
  const encodedGradient = new Uint8Array(gradientBytes(gradient));
  encodeGradient(gradient, encodedGradient);
  return { lossSum, encodedGradient, finalStates: [...results.values()].map(({ finalStates }) => finalStates) };
}
