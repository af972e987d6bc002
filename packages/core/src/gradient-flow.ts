import { distributionOf, type Distribution } from './distribution.js';
import { carryParts, parameterLayout } from './language-model.js';
import type { MeasuredBatch, MeasuredModel } from './measurement.js';
import { evaluationInputs } from './microshard-inputs.js';
import { NO_TOKEN, type Microshard } from './microshard.js';
import { flowProgram } from './programs.js';
import { rowOf, type HostMatrix } from './shape.js';
import { frobeniusNorm } from './spectral.js';

/** How much of an output's error reaches one part of one layer's carry, by how far back in time that lies. */
export interface FlowSeries {
  /** From the bottom, 0 first. */
  readonly layer: number;
  /** `h`: the state; `c`: the cell of an LSTM. */
  readonly part: 'h' | 'c';
  /**
   * At index `j` the norms of `dE_t/ds_{t-j}` in nats per unit of state, over all outputs `t` with a target and sequences that reach back so far. Shorter
   * than was asked for where no sequence does.
   */
  readonly lags: readonly Distribution[];
  /** `eFoldDistance` of the medians, in steps. */
  readonly eFold: number;
  /** `fittedDecay` of the medians: factor a step. */
  readonly decay: number;
}

/**
 * Gradient flow (`docs/math/bptt.md` equation 23): the norm of the derivative of every output's own error by the states before it. Derivatives are whole: they count
 * every way, through time, through the layers above, and of a cell `c_t` also the one through `h_t`.
 * @param lagMax how many steps back to look, 0 or more
 */
export async function measureGradientFlow(
  { backend, model, parameters }: MeasuredModel, batches: readonly MeasuredBatch[], { lagMax }: { readonly lagMax: number },
): Promise<FlowSeries[]> {
  backend.setParameters(parameterLayout(model), parameters);
  const parts = carryParts(model);
  const norms = parts.map(() => Array.from({ length: lagMax + 1 }, (): number[] => []));
  for (const { microshard, initialStates } of batches) {
    const reach = Math.min(lagMax, microshard.T - 1);
    const outputs = await backend.run(flowProgram(model, microshard, reach), evaluationInputs(model, microshard, initialStates));
    parts.forEach(({ layer, part }, p) => {
      for (let lag = 0; lag <= reach; lag += 1) collectNorms(outputs[`flow.${String(layer)}.${String(part)}.${String(lag)}`], microshard, lag, norms[p][lag]);
    });
  }
  return parts.map(({ layer, part }, p): FlowSeries => {
    const lags = norms[p].map(distributionOf).filter((distribution) => distribution !== undefined);
    const medians = lags.map(({ median }) => median);
    return { layer, part: part === 0 ? 'h' : 'c', lags, eFold: eFoldDistance(medians), decay: fittedDecay(medians) };
  });
}

/** Row `tau * B + b` of `errors` belongs to the output of sequence `b` at `tau + lag`. */
function collectNorms(errors: HostMatrix, { B, targets }: Microshard, lag: number, norms: number[]): void {
  for (let row = 0; row < errors.rows; row += 1) {
    if (targets[row + lag * B] !== NO_TOKEN) norms.push(frobeniusNorm(rowOf(errors, row)));
  }
}

/**
 * The lag at which `norms`, by lag, have first fallen to 1/e of their value at lag 0, with the logarithm taken as straight between two lags. Infinity where
 * they do not fall so far within the lags given; NaN where they begin with nothing.
 */
export function eFoldDistance(norms: readonly number[]): number {
  if (norms.length === 0 || !(norms[0] > 0)) return NaN;
  const threshold = norms[0] / Math.E;
  const lag = norms.findIndex((norm) => norm <= threshold);
  if (lag === -1) return Infinity;
  if (norms[lag] === 0) return lag;
  return lag - Math.log(threshold / norms[lag]) / Math.log(norms[lag - 1] / norms[lag]);
}

/** The factor a step of the exponential that fits `norms`, by lag, best: least squares of their logarithms, zeros left out. NaN for fewer than two. */
export function fittedDecay(norms: readonly number[]): number {
  const points = norms.map((norm, lag) => ({ lag, log: Math.log(norm) })).filter(({ log }) => Number.isFinite(log));
  const mean = (of: (point: { lag: number; log: number }) => number): number => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanLag, meanLog] = [mean(({ lag }) => lag), mean(({ log }) => log)];
  return Math.exp(mean(({ lag, log }) => (lag - meanLag) * (log - meanLog)) / mean(({ lag }) => (lag - meanLag) * (lag - meanLag)));
}
