import type { Backend } from './backend.js';
import { denseTensors, sparseTensors } from './gradient.js';
import { differentiatedFunction, type DifferentiatedCase, type ScalarFunction } from './differentiated-function.js';
import { initializeParameters, parameterLayout } from './language-model.js';
import { trainingInputs } from './microshard-inputs.js';
import { countMicroshard } from './microshard.js';
import { matrixShape, type ParameterLayout } from './parameters.js';
import { gradientProgram } from './programs.js';
import { stream } from './random.js';
import { reductionDivisor } from './reduction.js';
import { referenceBackend } from './reference-backend.js';
import type { FloatArray } from './shape.js';
import { frobeniusNorm } from './spectral.js';

/** A differentiated function and its gradient. */
export interface GradientCase extends DifferentiatedCase {
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
 * Compares the gradient with central differences of **the function that it is the gradient of** (`differentiatedFunction`), not of the loss: a
 * truncated gradient is not the gradient of the loss.
 */
export async function checkGradient(testCase: GradientCase, options: GradientCheckOptions = {}): Promise<GradientCheckResult> {
  const { backend = referenceBackend({ precision: 'float64' }), tolerance = 1e-6 } = options;
  const parameters = testCase.parameters ?? Float64Array.from(initializeParameters(testCase.model, 1), (value) => value * 4);
  const analytic = await caseGradient(backend, testCase, inPrecisionOf(backend, parameters));
  const loss = await differentiatedFunction(testCase, parameters);
  const worst = options.directions === undefined
    ? await compareElements(parameterLayout(testCase.model), parameters, analytic, loss)
    : await compareDirections(parameters, analytic, loss, options.directions);
  // Written so that a NaN fails.
  return { ...worst, passed: worst.largestRelativeError <= tolerance };
}

const ORACLE_ID = 'reference-f64/1';

/** `values` in the precision that `backend` takes them in: float64 for the oracle, float32 for all others. */
export function inPrecisionOf(backend: Pick<Backend, 'id'>, values: Float64Array): FloatArray {
  return backend.id === ORACLE_ID ? values : Float32Array.from(values);
}

type Comparison = Omit<GradientCheckResult, 'passed'>;

async function compareElements(layout: ParameterLayout, parameters: Float64Array, analytic: Float64Array, loss: ScalarFunction): Promise<Comparison> {
  let worst: Comparison = { compared: 0, largestRelativeError: 0, where: 'nowhere' };
  for (const { name, begin, end } of layout.tensors) {
    const numeric = new Float64Array(end - begin);
    for (let i = begin; i < end; i += 1) numeric[i - begin] = await centralDifference(loss, parameters, (shifted, h) => { shifted[i] += h; });
    const floor = FLOOR_SHARE * largest(analytic.subarray(begin, end), numeric);
    for (let i = begin; i < end; i += 1) worst = worseOf(worst, relativeError(analytic[i], numeric[i - begin], floor), `${name}[${String(i - begin)}]`);
  }
  return worst;
}

async function compareDirections(parameters: Float64Array, analytic: Float64Array, loss: ScalarFunction, directions: number): Promise<Comparison> {
  let worst: Comparison = { compared: 0, largestRelativeError: 0, where: 'nowhere' };
  const norm = frobeniusNorm(analytic);
  for (let d = 0; d < directions; d += 1) {
    const random = stream(1, 'gradient check direction', d);
    const direction = parameters.map((_, i) => 2 * random.uniform(i) - 1);
    const length = frobeniusNorm(direction);
    const numeric = await centralDifference(loss, parameters, (shifted, h) => {
      for (let i = 0; i < shifted.length; i += 1) shifted[i] += (h * direction[i]) / length;
    });
    const derivative = analytic.reduce((sum, g, i) => sum + (g * direction[i]) / length, 0);
    worst = worseOf(worst, relativeError(derivative, numeric, FLOOR_SHARE * norm), `direction ${String(d)}`);
  }
  return worst;
}

async function centralDifference(loss: ScalarFunction, parameters: Float64Array, shift: (values: Float64Array, h: number) => void): Promise<number> {
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
export async function caseGradient(backend: Backend, testCase: DifferentiatedCase, parameters: FloatArray): Promise<Float64Array> {
  const { model, objective, microshard, initialStates, seed } = testCase;
  const layout = parameterLayout(model);
  backend.setParameters(layout, parameters);
  const states = initialStates && inPrecisionOf(backend, initialStates);
  const counts = countMicroshard(microshard);
  const { rows, ...inputs } = trainingInputs({ model, objective, seed: seed ?? 1 }, microshard, { initialStates: states, batch: { step: 0, counts } });
  const outputs = await backend.run(gradientProgram(model, objective, microshard), inputs);
  const flat = new Float64Array(layout.size);
  for (const { name, begin } of denseTensors(layout)) flat.set(outputs[`d ${name}`].values, begin);
  for (const tensor of sparseTensors(layout)) {
    const { columns } = matrixShape(tensor);
    const { values } = outputs[`d ${tensor.name}`];
    rows.forEach((row, g) => { flat.set(values.subarray(g * columns, (g + 1) * columns), tensor.begin + row * columns); });
  }
  const divisor = reductionDivisor(objective.reduction, counts);
  return flat.map((value) => value / divisor);
}
