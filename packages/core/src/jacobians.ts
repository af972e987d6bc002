import { distributionOf, type Distribution } from './distribution.js';
import { assert } from './errors.js';
import { cellOf, parameterLayout } from './language-model.js';
import type { MeasuredBatch, MeasuredModel } from './measurement.js';
import { evaluationInputs } from './microshard-inputs.js';
import { forEachTransition, NO_TOKEN, type Microshard } from './microshard.js';
import { jacobianProgram } from './programs.js';
import { stream } from './random.js';
import { multiplySquare, spectralNorm } from './spectral.js';

/** Largest singular values of `ds_t/ds_{t-lag}` of one layer over the sampled `t` that lie so far from the beginning of their sequence. */
export interface JacobianNorms extends Distribution {
  readonly lag: number;
  /** Share of them above 1: moments that some error grows on its way back from. */
  readonly aboveOne: number;
}

export interface JacobianSeries {
  /** From the bottom, 0 first. */
  readonly layer: number;
  /** `h`: state by state, which for an LSTM goes through both parts of the carry; `h, c`: whole carry by whole carry. */
  readonly of: 'h' | 'h, c';
  /** Ascending; lags that no sample reaches are left out. */
  readonly lags: readonly JacobianNorms[];
}

export interface JacobianOptions {
  /** Which `t - t'` to measure, each 1 or more. The work grows with the largest. */
  readonly lags: readonly number[];
  /** How many moments `t` to take, drawn without replacement from all that have one before them. */
  readonly samples: number;
  readonly seed: number;
}

/** Most rows that one run of the program goes back through, but for a step that has more. */
const ROWS_MAX = 1 << 12;

/**
 * Largest singular values of the Jacobians of each layer's recurrence, its input held fast (`docs/math/bptt.md` equation 25). The way back through a step is linear:
 * the cell's own `backward` of every unit vector gives the step's Jacobian, row by row, for any cell. Products over lags and their norms (power
 * iteration) are taken in float64. Work: for every layer and sample `max(lags)` products of matrices `[S, S]` with `S` units of carry.
 */
export async function measureJacobians(measured: MeasuredModel, batches: readonly MeasuredBatch[], options: JacobianOptions): Promise<JacobianSeries[]> {
  const { backend, model, parameters } = measured;
  const areLags = options.lags.length > 0 && options.lags.every((lag) => Number.isInteger(lag) && lag >= 1);
  assert(areLags, () => `measureJacobians: expected lags of 1 or more, got ${options.lags.join(', ') || 'none'}`);
  const lags = [...new Set(options.lags)].sort((a, b) => a - b);
  const moments = sampleMoments(batches, options);
  const { carryParts } = cellOf(model);
  backend.setParameters(parameterLayout(model), parameters);
  const series: JacobianSeries[] = [];
  for (const [layer, H] of model.hidden.entries()) {
    const S = carryParts * H;
    const [ofState, ofCarry] = [byLag(lags), byLag(lags)];
    for (const moment of moments) {
      let lag = 0;
      let product: Float64Array | undefined;
      for await (const jacobian of stepJacobians(measured, layer, { ...moment, lagMax: lags[lags.length - 1] })) {
        lag += 1;
        product = product === undefined ? jacobian : multiplySquare(product, jacobian, S);
        ofState.get(lag)?.push(spectralNorm(leadingBlock(product, S, H), H, H));
        if (carryParts > 1) ofCarry.get(lag)?.push(spectralNorm(product, S, S));
      }
    }
    series.push({ layer, of: 'h', lags: describe(ofState) });
    if (carryParts > 1) series.push({ layer, of: 'h, c', lags: describe(ofCarry) });
  }
  return series;
}

interface Moment {
  readonly batch: MeasuredBatch;
  /** Its row in the microshard. */
  readonly row: number;
}

function sampleMoments(batches: readonly MeasuredBatch[], { samples, seed }: JacobianOptions): Moment[] {
  const moments: Moment[] = [];
  for (const batch of batches) forEachTransition(batch.microshard, (row) => { moments.push({ batch, row }); });
  const random = stream(seed, 'jacobian moments');
  const count = Math.min(samples, moments.length);
  for (let i = 0; i < count; i += 1) {
    const pick = i + Math.floor(random.uniform(i) * (moments.length - i));
    [moments[i], moments[pick]] = [moments[pick], moments[i]];
  }
  return moments.slice(0, count);
}

/** `ds_t/ds_{t-1}` `[S, S]`, then that of the step before, and so on to the beginning of the sequence or `lagMax` of them. */
async function* stepJacobians(
  { backend, model }: MeasuredModel, layer: number, { batch, row, lagMax }: Moment & { readonly lagMax: number },
): AsyncGenerator<Float64Array, void> {
  const { microshard, initialStates } = batch;
  const S = cellOf(model).carryParts * model.hidden[layer];
  const identity = Float32Array.from({ length: S * S }, (_, i) => (i % (S + 1) === 0 ? 1 : 0));
  const { ids, matrices } = evaluationInputs(model, microshard, initialStates);
  const program = jacobianProgram(model, microshard, layer);
  const steps = history(microshard, row, lagMax);
  const stepsARun = Math.max(1, Math.floor(ROWS_MAX / S));
  for (let begin = 0; begin < steps.length; begin += stepsARun) {
    const run = steps.slice(begin, begin + stepsARun);
    // As many rows in every run, so that backends that compile for shapes see one.
    const rows = Array.from({ length: Math.min(stepsARun, lagMax) * S }, (_, r) => Math.floor(r / S));
    const { jacobian } = await backend.run(program, {
      ids: { ...ids, steps: Int32Array.from(rows, (step) => run[step] ?? NO_TOKEN), units: Int32Array.from(rows, (step, r) => (step < run.length ? r % S : NO_TOKEN)) },
      matrices: { ...matrices, identity: { rows: S, columns: S, values: identity } },
    });
    const values = Float64Array.from(jacobian.values);
    for (const step of run.keys()) yield values.subarray(step * S * S, (step + 1) * S * S);
  }
}

/** Rows from `row` back, each of which has a position before it, at most `lagMax`. */
function history({ B, inputs }: Microshard, row: number, lagMax: number): number[] {
  const rows: number[] = [];
  for (let at = row; rows.length < lagMax && at >= B && inputs[at - B] !== NO_TOKEN; at -= B) rows.push(at);
  return rows;
}

function byLag(lags: readonly number[]): Map<number, number[]> {
  return new Map(lags.map((lag) => [lag, []]));
}

function describe(values: ReadonlyMap<number, readonly number[]>): JacobianNorms[] {
  return Array.from(values, ([lag, norms]) => {
    const distribution = distributionOf(norms);
    return distribution && { lag, ...distribution, aboveOne: norms.filter((norm) => norm > 1).length / norms.length };
  }).filter((norms) => norms !== undefined);
}

/** The first `H` rows and columns of `matrix` `[S, S]`. */
function leadingBlock(matrix: Float64Array, S: number, H: number): Float64Array {
  const block = new Float64Array(H * H);
  for (let i = 0; i < H; i += 1) block.set(matrix.subarray(i * S, i * S + H), i * H);
  return block;
}
