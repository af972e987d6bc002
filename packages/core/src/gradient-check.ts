import type { Backend } from './backend.js';
import { assert } from './errors.js';
import { denseTensors, sparseTensors } from './gradient.js';
import { gradientProgram, inspectionProgram, initializeParameters, lossProgram, parameterLayout } from './language-model.js';
import { carryMatrices, groupRows, sumLosses } from './microshard-computer.js';
import { countSequences, countTargets, NO_TOKEN, type Microshard } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import { matrixShape, type ParameterLayout } from './parameters.js';
import { stream } from './random.js';
import { reductionDivisor, type Reduction } from './reduction.js';
import { referenceBackend } from './reference-backend.js';
import type { FloatArray } from './shape.js';
import type { Truncation } from './truncation.js';

/** A differentiated function and its gradient. */
export interface GradientCase {
  readonly model: ModelConfig;
  readonly truncation: Truncation;
  readonly reduction: Reduction;
  readonly microshard: Microshard;
  /** Carried states `[L, parts, B, H]`; zeros where absent. They are constants of the function. */
  readonly initialStates?: Float64Array | undefined;
  /** Where the gradient is taken. Default: the initial parameters of seed 1, each times 4, so that units leave the linear range. */
  readonly parameters?: Float64Array | undefined;
}

export interface GradientCheckOptions {
  /** Computes the gradient that is checked. Default: the float64 reference. The central differences are always taken in float64. */
  readonly backend?: Backend | undefined;
  /** Check along so many seeded random directions instead of element by element: for large models. */
  readonly directions?: number | undefined;
  /** Largest relative error that passes. Default 1e-6. */
  readonly tolerance?: number | undefined;
}

export interface GradientCheckResult {
  /** Elements, or directions, compared. */
  readonly compared: number;
  /**
   * Largest `|a - n| / max(|a|, |n|, 1e-3 m)` with `m` the largest element of the tensor (element by element), or of the
   * directional derivatives; infinite where a gradient or difference is not a number.
   */
  readonly largestRelativeError: number;
  /** Tensor and element, or direction, of that error. */
  readonly where: string;
  readonly passed: boolean;
}

/** Step of the central differences in float64: near the cube root of the machine epsilon. */
const DIFFERENCE_STEP = 1e-5;
const FLOOR_SHARE = 1e-3;

/**
 * Compares the gradient with central differences of **the function that the truncation rule differentiates** (`frozenWindows`), not of
 * the loss: a truncated gradient is not the gradient of the loss.
 */
export async function checkGradient(testCase: GradientCase, options: GradientCheckOptions = {}): Promise<GradientCheckResult> {
  const { backend = referenceBackend({ precision: 'float64' }), tolerance = 1e-6 } = options;
  const parameters = testCase.parameters ?? Float64Array.from(initializeParameters(testCase.model, 1), (value) => value * 4);
  const analytic = await caseGradient(backend, testCase, backend.id === ORACLE_ID ? parameters : Float32Array.from(parameters));
  const loss = await truncatedLoss(testCase, parameters);
  const worst = options.directions === undefined
    ? await compareElements(parameterLayout(testCase.model), parameters, analytic, loss)
    : await compareDirections(parameters, analytic, loss, options.directions);
  // Written so that a NaN fails.
  return { ...worst, passed: worst.largestRelativeError <= tolerance };
}

const ORACLE_ID = 'reference-f64/1';

type Comparison = Omit<GradientCheckResult, 'passed'>;
type Loss = (parameters: Float64Array) => Promise<number>;

async function compareElements(layout: ParameterLayout, parameters: Float64Array, analytic: Float64Array, loss: Loss): Promise<Comparison> {
  let worst: Comparison = { compared: 0, largestRelativeError: 0, where: 'nowhere' };
  for (const { name, begin, end } of layout.tensors) {
    const numeric = new Float64Array(end - begin);
    for (let i = begin; i < end; i += 1) numeric[i - begin] = await centralDifference(loss, parameters, (shifted, h) => { shifted[i] += h; });
    const floor = FLOOR_SHARE * largest(analytic.subarray(begin, end), numeric);
    for (let i = begin; i < end; i += 1) worst = worseOf(worst, relativeError(analytic[i], numeric[i - begin], floor), `${name}[${String(i - begin)}]`);
  }
  return worst;
}

async function compareDirections(parameters: Float64Array, analytic: Float64Array, loss: Loss, directions: number): Promise<Comparison> {
  let worst: Comparison = { compared: 0, largestRelativeError: 0, where: 'nowhere' };
  const norm = Math.sqrt(analytic.reduce((sum, g) => sum + g * g, 0));
  for (let d = 0; d < directions; d += 1) {
    const random = stream(1, 'gradient check direction', d);
    const direction = parameters.map((_, i) => 2 * random.uniform(i) - 1);
    const length = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
    const numeric = await centralDifference(loss, parameters, (shifted, h) => {
      for (let i = 0; i < shifted.length; i += 1) shifted[i] += (h * direction[i]) / length;
    });
    const derivative = analytic.reduce((sum, g, i) => sum + (g * direction[i]) / length, 0);
    worst = worseOf(worst, relativeError(derivative, numeric, FLOOR_SHARE * norm), `direction ${String(d)}`);
  }
  return worst;
}

async function centralDifference(loss: Loss, parameters: Float64Array, shift: (values: Float64Array, h: number) => void): Promise<number> {
  const [above, below] = [parameters.slice(), parameters.slice()];
  shift(above, DIFFERENCE_STEP);
  shift(below, -DIFFERENCE_STEP);
  return ((await loss(above)) - (await loss(below))) / (2 * DIFFERENCE_STEP);
}

function relativeError(analytic: number, numeric: number, floor: number): number {
  const scale = Math.max(Math.abs(analytic), Math.abs(numeric), floor);
  if (analytic === numeric) return 0;
  const error = Math.abs(analytic - numeric) / scale;
  return Number.isNaN(error) ? Infinity : error;
}

function largest(...arrays: readonly Float64Array[]): number {
  return Math.max(...arrays.map((array) => array.reduce((most, x) => Math.max(most, Math.abs(x)), 0)));
}

function worseOf(worst: Comparison, error: number, where: string): Comparison {
  const compared = worst.compared + 1;
  return error > worst.largestRelativeError ? { compared, largestRelativeError: error, where } : { ...worst, compared };
}

/** The gradient of a case as one flat array in the order of the layout, computed by `backend`, divided by the reduction's divisor. */
export async function caseGradient(backend: Backend, { model, truncation, reduction, microshard, initialStates }: GradientCase, parameters: FloatArray): Promise<Float64Array> {
  const layout = parameterLayout(model);
  backend.setParameters(layout, parameters);
  const { rows, groups } = groupRows(microshard.inputs);
  const states = initialStates && (backend.id === ORACLE_ID ? initialStates : Float32Array.from(initialStates));
  const outputs = await backend.run(gradientProgram(model, truncation, microshard), {
    ids: { inputs: microshard.inputs, groups, targets: microshard.targets },
    matrices: carryMatrices(model, microshard.B, states),
  });
  const flat = new Float64Array(layout.size);
  for (const { name, begin } of denseTensors(layout)) flat.set(outputs[`d ${name}`].values, begin);
  for (const tensor of sparseTensors(layout)) {
    const { columns } = matrixShape(tensor);
    const { values } = outputs[`d ${tensor.name}`];
    rows.forEach((row, g) => { flat.set(values.subarray(g * columns, (g + 1) * columns), tensor.begin + row * columns); });
  }
  const divisor = divisorOf(reduction, microshard);
  return flat.map((value) => value / divisor);
}

/**
 * The function that the truncated gradient is the gradient of, as a function of the parameters: all states that the rule cuts are
 * frozen at the values they have at `parameters`.
 */
export async function truncatedLoss({ model, truncation, reduction, microshard, initialStates }: GradientCase, parameters: Float64Array): Promise<Loss> {
  const backend = referenceBackend({ precision: 'float64' });
  const layout = parameterLayout(model);
  backend.setParameters(layout, parameters);
  const frozen = truncation.kind === 'window'
    ? await frozenWindows(backend, { model, microshard, k: truncation.k, initialStates })
    : { microshard, states: initialStates };
  const divisor = divisorOf(reduction, microshard);
  return async (shifted) => {
    backend.setParameters(layout, shifted);
    const { inputs, targets, B } = frozen.microshard;
    const { losses } = await backend.run(lossProgram(model, frozen.microshard), { ids: { inputs, targets }, matrices: carryMatrices(model, B, frozen.states) });
    return sumLosses(losses.values) / divisor;
  };
}

interface WindowArguments {
  readonly model: ModelConfig;
  readonly microshard: Microshard;
  readonly k: number;
  readonly initialStates: Float64Array | undefined;
}

/**
 * `window(k)` differentiates the sum over `t` of `L_t` with every layer's state at `t - k - 1` frozen. Each output becomes a sequence of its
 * own: it starts at `max(0, t - k)` from the frozen state, reads up to `k + 1` words and has one target. So the function is the
 * ordinary loss of another microshard, with `T * B` sequences of length `k + 1`.
 */
async function frozenWindows(backend: Backend, { model, microshard, k, initialStates }: WindowArguments): Promise<{ microshard: Microshard; states: Float64Array }> {
  const { T, B, inputs, targets, sequences } = microshard;
  const { hidden: H, layers } = model;
  const matrices = carryMatrices(model, B, initialStates ?? new Float64Array(layers * B * H));
  assert(Object.keys(matrices).length === layers, () => 'frozenWindows: a carry of one part');
  const outputs = await backend.run(inspectionProgram(model, { kind: 'full' }, microshard), { ids: { inputs, targets }, matrices });
  const length = Math.min(k, T - 1) + 1;
  const windows = T * B;
  const cut = { T: length, B: windows, index: microshard.index, inputs: new Int32Array(length * windows).fill(NO_TOKEN), targets: new Int32Array(length * windows).fill(NO_TOKEN), sequences: new Int32Array(windows) };
  const states = new Float64Array(layers * windows * H);
  for (let window = 0; window < windows; window += 1) {
    const [t, b] = [Math.floor(window / B), window % B];
    const start = Math.max(0, t - k);
    cut.sequences[window] = sequences[b];
    for (let tau = start; tau <= t; tau += 1) cut.inputs[(tau - start) * windows + window] = inputs[tau * B + b];
    cut.targets[(t - start) * windows + window] = targets[window];
    for (let l = 0; l < layers; l += 1) {
      const source = start === 0 ? Object.values(matrices)[l].values.subarray(b * H, (b + 1) * H) : outputs[`states.${String(l)}`].values.subarray(((start - 1) * B + b) * H, ((start - 1) * B + b + 1) * H);
      states.set(source, (l * windows + window) * H);
    }
  }
  return { microshard: cut, states };
}

function divisorOf(reduction: Reduction, microshard: Microshard): number {
  return reductionDivisor(reduction, { tokens: countTargets(microshard), sequences: countSequences(microshard) });
}
