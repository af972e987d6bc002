import { assert } from './errors.js';
import { maskName } from './forward.js';
import { carryParts, parameterLayout, stateSize } from './language-model.js';
import { carryMatrices, dropoutMasks, evaluationInputs, trainingInputs } from './microshard-inputs.js';
import { countMicroshard, forEachTransition, NO_TOKEN, type Microshard } from './microshard.js';
import { sumLosses } from './microshard-computer.js';
import { topUnits, type ModelConfig } from './model-config.js';
import type { Objective } from './objective.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { penaltyFactor } from './penalties.js';
import { inspectionProgram, lossProgram } from './programs.js';
import { reductionDivisor } from './reduction.js';
import { referenceBackend } from './reference-backend.js';
import { rowOf, type FloatArray, type HostMatrix } from './shape.js';
import { frobeniusNorm, multiplyTransposed } from './spectral.js';

/** One microshard that is a batch of its own, at step 0. */
export interface DifferentiatedCase {
  readonly model: ModelConfig;
  readonly objective: Objective;
  readonly microshard: Microshard;
  /** Carried states, in the order of `carryParts`; zeros where absent. They are constants of the function. */
  readonly initialStates?: Float64Array | undefined;
  /** Of the dropout masks. Default 1. */
  readonly seed?: number | undefined;
}

/** A number as a function of the parameters. */
export type ScalarFunction = (parameters: Float64Array) => Promise<number>;

/**
 * The function that the gradient of a case is the gradient of, in float64: the divided loss with its penalties, in which everything that the
 * rules hold fast has the value that it has at `parameters`: states that a truncation cuts, dropout masks, and for Omega states and errors.
 */
export async function differentiatedFunction(testCase: DifferentiatedCase, parameters: Float64Array): Promise<ScalarFunction> {
  const { objective, microshard } = testCase;
  const unfolded = objective.truncation.kind === 'window' ? await unfoldWindows(testCase, parameters, objective.truncation.k) : wholeSequences(testCase);
  const loss = penalizedLoss(testCase, unfolded, reductionDivisor(objective.reduction, countMicroshard(microshard)));
  if (objective.omega === 0) return loss;
  const penalty = await omegaFunction(testCase, parameters);
  return async (shifted) => (await loss(shifted)) + penalty(shifted);
}

/** Sequences to run: those of the case, or one for each of its outputs. */
interface Unfolded {
  readonly microshard: Microshard;
  readonly states: Float64Array;
  readonly masks: Readonly<Record<string, HostMatrix>>;
}

function wholeSequences({ model, objective, microshard, initialStates, seed = 1 }: DifferentiatedCase): Unfolded {
  const states = initialStates ?? new Float64Array(stateSize(model, microshard.B));
  return { microshard, states, masks: dropoutMasks({ model, objective, seed }, microshard, 0) };
}

/**
 * `window(k)` differentiates the sum over `t` of `L_t` with every layer's state at `t - k - 1` frozen. Each output becomes a sequence of its
 * own: it starts at `max(0, t - k)` from the frozen state, reads up to `k + 1` steps and has one target. So the function is the
 * ordinary loss of another microshard, with `T * B` sequences of length `k + 1`.
 */
async function unfoldWindows(testCase: DifferentiatedCase, parameters: Float64Array, k: number): Promise<Unfolded> {
  const { model, microshard } = testCase;
  const { T, B } = microshard;
  const { states: initial, masks } = wholeSequences(testCase);
  const outputs = await inspect(testCase, parameters);
  const length = Math.min(k, T - 1) + 1;
  const windows = T * B;
  /** Row of the case that step `tau` of a window reads; undefined past its output. */
  const source = (tau: number, window: number): number | undefined => {
    const t = Math.floor(window / B);
    const at = Math.max(0, t - k) + tau;
    return at <= t ? at * B + (window % B) : undefined;
  };
  const rows = Array.from({ length: length * windows }, (_, row) => source(Math.floor(row / windows), row % windows));
  const isOutput = (row: number): boolean => rows[row] === row % windows;
  const cut: Microshard = {
    index: microshard.index, T: length, B: windows,
    inputs: Int32Array.from(rows, (row) => (row === undefined ? NO_TOKEN : microshard.inputs[row])),
    features: microshard.features && gather({ rows: windows, columns: model.embedding, values: microshard.features }, rows).values,
    targets: Int32Array.from(rows, (row, i) => (row !== undefined && isOutput(i) ? microshard.targets[row] : NO_TOKEN)),
    values: microshard.values && gather({ rows: B, columns: microshard.values.length / B, values: microshard.values }, Array.from({ length: windows }, (_, w) => (microshard.targets[w] === NO_TOKEN ? undefined : w % B))).values,
    sequences: Int32Array.from({ length: windows }, (_, window) => microshard.sequences[window % B]),
  };
  const carried = carryMatrices(model, B, initial);
  const states = carryParts(model).flatMap(({ name, layer, part }) => {
    const before = outputs[`states.${String(layer)}.${String(part)}`];
    return Array.from({ length: windows }, (_, window) => {
      const start = Math.max(0, Math.floor(window / B) - k);
      const from = start === 0 ? carried[name] : before;
      const row = start === 0 ? window % B : (start - 1) * B + (window % B);
      return Array.from(rowOf(from, row));
    }).flat();
  });
  return { microshard: cut, states: Float64Array.from(states), masks: Object.fromEntries(Object.entries(masks).map(([name, mask]) => [name, gather(mask, rows)])) };
}

/** Loss, AR and TAR of `unfolded`, with the counts of the case. */
function penalizedLoss({ model, objective, microshard }: DifferentiatedCase, unfolded: Unfolded, divisor: number): ScalarFunction {
  const { ar, tar } = objective;
  const backend = referenceBackend({ precision: 'float64' });
  const layout = parameterLayout(model);
  const { ids, matrices } = evaluationInputs(model, unfolded.microshard, unfolded.states);
  const program = lossProgram(model, unfolded.microshard, { masked: objective.dropout > 0 });
  const counts = countMicroshard(microshard);
  const units = topUnits(model);
  // The gradient of a square brings the factor 2.
  const arFactor = penaltyFactor(2 * ar, counts.tokens * units, divisor);
  const tarFactor = penaltyFactor(2 * tar, counts.transitions * units, divisor);
  const mask = objective.dropout > 0 ? unfolded.masks[maskName(model.hidden.length)].values : undefined;
  return async (shifted) => {
    backend.setParameters(layout, shifted);
    const { losses, states: { values: top } } = await backend.run(program, { ids, matrices: { ...matrices, ...unfolded.masks } });
    let squares = 0;
    unfolded.microshard.targets.forEach((target, row) => {
      if (target !== NO_TOKEN) for (let at = row * units; at < (row + 1) * units; at += 1) squares += squareOf(top[at] * (mask?.[at] ?? 1));
    });
    let changes = 0;
    const back = unfolded.microshard.B * units;
    forEachTransition(unfolded.microshard, (row) => {
      for (let at = row * units; at < (row + 1) * units; at += 1) changes += squareOf(top[at] - top[at - back]);
    });
    return (sumLosses(losses.values) + (arFactor * squares + tarFactor * changes) / 2) / divisor;
  };
}

/** Pascanu's Omega as a function of the recurrent matrices alone: with `e = dE/ds_t` and `v = dE/da_t` frozen, the mean of `(||W_hh^T v|| / ||e|| - 1)^2`. */
async function omegaFunction(testCase: DifferentiatedCase, parameters: Float64Array): Promise<(shifted: Float64Array) => number> {
  const { model, objective, microshard } = testCase;
  const outputs = await inspect(testCase, parameters);
  const layout = parameterLayout(model);
  const counts = countMicroshard(microshard);
  const divisor = reductionDivisor(objective.reduction, counts);
  const factor = penaltyFactor(objective.omega, counts.transitions, divisor) / divisor;
  return (shifted) => {
    let sum = 0;
    for (const l of model.hidden.keys()) {
      const W = viewTensor(shifted, tensorNamed(layout, `rnn.weight_hh_l${String(l)}`));
      forEachTransition(microshard, (row) => {
        const [e, v] = [`flow.${String(l)}`, `errors.${String(l)}`].map((name) => rowOf(outputs[name], row));
        const lengthE = frobeniusNorm(e);
        if (lengthE > 0) sum += squareOf(lengthOfProduct(W, v) / lengthE - 1);
      });
    }
    return factor * sum;
  };
}

async function inspect({ model, objective, microshard, initialStates, seed = 1 }: DifferentiatedCase, parameters: Float64Array): Promise<Record<string, HostMatrix>> {
  const backend = referenceBackend({ precision: 'float64' });
  backend.setParameters(parameterLayout(model), parameters);
  const batch = { step: 0, counts: countMicroshard(microshard) };
  return backend.run(inspectionProgram(model, objective, microshard), trainingInputs({ model, objective, seed }, microshard, { initialStates, batch }));
}

/** `||W^T v||` for `W` `[H, H]`. */
function lengthOfProduct(W: FloatArray, v: FloatArray): number {
  const H = v.length;
  assert(W.length === H * H, () => `omega: a recurrent matrix of ${String(W.length)} elements for ${String(H)} units`);
  const u = new Float64Array(H);
  multiplyTransposed(W, v, u);
  return frobeniusNorm(u);
}

function gather(matrix: HostMatrix, rows: readonly (number | undefined)[]): HostMatrix {
  const { columns } = matrix;
  const gathered = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => {
    if (row !== undefined) gathered.set(rowOf(matrix, row), i * columns);
  });
  return { rows: rows.length, columns, values: gathered };
}

function squareOf(x: number): number {
  return x * x;
}
