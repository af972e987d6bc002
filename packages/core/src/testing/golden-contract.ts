import { afterAll, describe, expect, it } from 'vitest';
import type { Backend } from '../backend.js';
import { clipGradient } from '../clip.js';
import { caseGradient, inPrecisionOf } from '../gradient-check.js';
import { parameterLayout } from '../language-model.js';
import { createMicroshardComputer } from '../microshard-computer.js';
import { evaluationInputs } from '../microshard-inputs.js';
import { countTargets } from '../microshard.js';
import { OBJECTIVE_DEFAULTS } from '../objective.js';
import { sgdStep } from '../optimizers/sgd.js';
import { viewTensor } from '../parameters.js';
import { lossProgram } from '../programs.js';
import { flattenGolden, goldenCases, goldenMicroshard, goldenNumbers, GOLDEN_FILES, type GoldenCase } from './golden.js';
import { relativeDistance } from './relative-distance.js';

/** Training rounds to float32 whatever the backend. */
const TRAINING_TOLERANCE = 1e-5;
/** A norm follows the parameters in the first order where the loss, near its gradient's end, does in the second. */
const NORM_TOLERANCE = 1e-4;
/** A backend that compiles does so for every model of a file: seconds each where cores are busy. */
const TIMEOUT_MS = 180_000;

/**
 * The suite that compares whole models with PyTorch, for every backend: losses, the gradient of every tensor, and ten steps of SGD. Apart from
 * `describeBackend`, since gpu.js keeps the machine code of every plan it compiled, and one process has not the room for both.
 * @param tolerance largest `||x - golden|| / ||golden||`. Default 1e-5
 */
export function describeGoldenModels(name: string, create: () => Backend, { tolerance = 1e-5 }: { readonly tolerance?: number } = {}): void {
  describe(`agreement with PyTorch: ${name}`, () => {
    const backend = create();
    afterAll(() => { backend.dispose(); });
    compareModels(backend, tolerance);
  });
}

function compareModels(backend: Backend, tolerance: number): void {
  for (const file of GOLDEN_FILES) {
    const cases = goldenCases(file);
    it(`has PyTorch's losses and gradients for the ${String(cases.length)} models of ${file}`, async () => {
      for (const golden of cases) {
        for (const [name, distance] of await goldenDistances(backend, golden)) expect(distance, `${name}, ${label(golden)}`).toBeLessThanOrEqual(tolerance);
      }
    }, TIMEOUT_MS);
    it(`trains the models of ${file} as PyTorch does`, async () => {
      for (const golden of cases) {
        const { losses, norms } = await trainGolden(backend, golden);
        for (const [step, loss] of golden.training.losses.entries()) {
          expect(Math.abs(losses[step] / loss - 1), `loss of step ${String(step)}, ${label(golden)}`).toBeLessThanOrEqual(TRAINING_TOLERANCE);
          expect(Math.abs(norms[step] / golden.training.norms[step] - 1), `norm of step ${String(step)}, ${label(golden)}`).toBeLessThanOrEqual(NORM_TOLERANCE);
        }
      }
    }, TIMEOUT_MS);
  }
}

/** How far the losses and the gradient of every tensor are from PyTorch's: `||x - golden|| / ||golden||`. */
export async function goldenDistances(backend: Backend, golden: GoldenCase, parameters = goldenParameters(golden)): Promise<Map<string, number>> {
  const { model } = golden;
  const layout = parameterLayout(model);
  const microshard = goldenMicroshard(golden);
  const initialStates = goldenNumbers(golden.carry);
  const values = inPrecisionOf(backend, parameters);
  const gradient = await caseGradient(backend, { model, objective: OBJECTIVE_DEFAULTS, microshard, initialStates }, values);
  const want = flattenGolden(layout, golden.gradients).map((value) => value / countTargets(microshard));
  const { losses } = await backend.run(lossProgram(model, microshard), evaluationInputs(model, microshard, inPrecisionOf(backend, initialStates)));
  return new Map([
    ['losses', relativeDistance(losses.values, Float64Array.from(golden.losses))],
    ...layout.tensors.map((tensor): [string, number] => [tensor.name, relativeDistance(viewTensor(gradient, tensor), viewTensor(want, tensor))]),
  ]);
}

/** The parameters of a case as core holds them. */
export function goldenParameters(golden: GoldenCase): Float64Array {
  return flattenGolden(parameterLayout(golden.model), golden.parameters);
}

/** The training steps of a case: mean loss of a target before each, and the norm of its gradient. */
async function trainGolden(backend: Backend, golden: GoldenCase): Promise<{ losses: number[]; norms: number[] }> {
  const { learningRate, clip, losses: { length } } = golden.training;
  const computer = createMicroshardComputer({ backend, model: golden.model, objective: OBJECTIVE_DEFAULTS, seed: 1 });
  const microshard = goldenMicroshard(golden);
  const states = Float32Array.from(goldenNumbers(golden.carry));
  const losses: number[] = [];
  const norms: number[] = [];
  let parameters = Float32Array.from(goldenParameters(golden));
  for (let step = 0; step < length; step += 1) {
    computer.setParameters(parameters);
    const { lossSum, tokens, gradient } = await computer.gradient(microshard, { initialStates: states });
    if (gradient === undefined) throw new Error('no gradient');
    losses.push(lossSum / tokens);
    const { gradientNorm, factors } = clipGradient(gradient, tokens, { kind: 'norm', threshold: clip });
    norms.push(gradientNorm);
    const next = new Float32Array(parameters.length);
    sgdStep({ layout: computer.layout, parameters, gradient, factors, learningRate }, next);
    parameters = next;
  }
  return { losses, norms };
}

function label({ model }: GoldenCase): string {
  return JSON.stringify(model);
}
