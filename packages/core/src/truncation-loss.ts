import { forEachSpan } from './gradient.js';
import { assertLegal } from './legal.js';
import type { MeasuredBatch, MeasuredModel } from './measurement.js';
import { createMicroshardComputer } from './microshard-computer.js';
import type { Microshard } from './microshard.js';
import { OBJECTIVE_DEFAULTS } from './objective.js';
import { viewTensor, type ParameterLayout } from './parameters.js';
import { formatTruncation, type Truncation } from './truncation.js';

/** A truncated gradient beside the full one. NaN where either is zero. */
export interface GradientComparison {
  /** Of the angle between them: 1 for the same direction. */
  readonly cosine: number;
  /** Norm of the truncated one over that of the full one. */
  readonly normRatio: number;
}

/** What one truncation loses of the full gradient. */
export interface TruncationLoss extends GradientComparison {
  /** As `formatTruncation` writes it. */
  readonly truncation: string;
  /** The same tensor by tensor, in the order of the layout. */
  readonly tensors: readonly (GradientComparison & { readonly name: string })[];
}

/**
 * Compares the gradient of the summed loss of `batches` under each truncation with the full one. `chunk:k` cuts the sequences of every microshard into chunks of `k`
 * steps, with the state carried from one to the next.
 * @throws BpttError `invalid-argument` for a truncation that the model cannot be trained with
 */
export async function measureTruncationLoss(measured: MeasuredModel, batches: readonly MeasuredBatch[], truncations: readonly Truncation[]): Promise<TruncationLoss[]> {
  const full = await summedGradient(measured, batches, { kind: 'full' });
  const losses: TruncationLoss[] = [];
  for (const truncation of truncations) {
    const { layout, sum } = await summedGradient(measured, batches, truncation);
    const tensors = layout.tensors.map((tensor) => ({ name: tensor.name, ...compareGradients(viewTensor(sum, tensor), viewTensor(full.sum, tensor)) }));
    losses.push({ truncation: formatTruncation(truncation), ...compareGradients(sum, full.sum), tensors });
  }
  return losses;
}

interface SummedGradient {
  readonly layout: ParameterLayout;
  readonly sum: Float64Array;
}

async function summedGradient({ backend, model, parameters }: MeasuredModel, batches: readonly MeasuredBatch[], truncation: Truncation): Promise<SummedGradient> {
  const objective = { ...OBJECTIVE_DEFAULTS, truncation };
  assertLegal({ model, objective });
  const computer = createMicroshardComputer({ backend, model, objective, seed: 0 });
  const { layout } = computer;
  const sum = new Float64Array(layout.size);
  computer.setParameters(parameters);
  for (const { microshard, initialStates } of batches) {
    const length = truncation.kind === 'chunk' ? truncation.k : microshard.T;
    let states = initialStates;
    for (let begin = 0; begin < microshard.T; begin += length) {
      const { gradient, finalStates } = await computer.gradient(cutSteps(microshard, begin, Math.min(begin + length, microshard.T)), { initialStates: states });
      if (gradient !== undefined) forEachSpan({ layout, gradient }, addSpan, sum);
      states = finalStates;
    }
  }
  return { layout, sum };
}

/** Steps `[begin, end)` of every sequence. */
function cutSteps(microshard: Microshard, begin: number, end: number): Microshard {
  const { T, B, inputs, targets, features } = microshard;
  const width = features === undefined ? 0 : features.length / T;
  return {
    ...microshard,
    T: end - begin,
    inputs: inputs.subarray(begin * B, end * B),
    targets: targets.subarray(begin * B, end * B),
    features: features?.subarray(begin * width, end * width),
  };
}

function addSpan(sum: Float64Array, begin: number, end: number, values: Float32Array | undefined, at: number): void {
  if (values !== undefined) for (let i = begin, j = at; i < end; i += 1, j += 1) sum[i] += values[j];
}

function compareGradients(truncated: Float64Array, full: Float64Array): GradientComparison {
  let [product, ofTruncated, ofFull] = [0, 0, 0];
  for (let i = 0; i < full.length; i += 1) {
    product += truncated[i] * full[i];
    ofTruncated += truncated[i] * truncated[i];
    ofFull += full[i] * full[i];
  }
  return { cosine: product / Math.sqrt(ofTruncated) / Math.sqrt(ofFull), normRatio: Math.sqrt(ofTruncated) / Math.sqrt(ofFull) };
}
