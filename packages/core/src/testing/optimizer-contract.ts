import { describe, expect, it } from 'vitest';
import { UNSCALED, type GradientFactors } from '../gradient-factors.js';
import { denseSize, denseTensors, sparseTensors, type Gradient } from '../gradient.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { layOut, matrixShape, viewTensor, type ParameterLayout, type TensorDeclaration } from '../parameters.js';
import { stream } from '../random.js';
import { randomValues } from './fixtures.js';

const TENSORS: readonly TensorDeclaration[] = [{ name: 'w', shape: [3, 2] }, { name: 'encoder.weight', shape: [6, 4], rowSparse: true }, { name: 'b', shape: [5] }];

/** Parameters and slots between two steps. */
export interface OptimizerState {
  readonly parameters: Float32Array;
  readonly slots: readonly Float32Array[];
  readonly updates: number;
}

/** `parameters` before any step of `optimizer`. */
export function startOptimizer(optimizer: Optimizer, parameters: Float32Array): OptimizerState {
  return { parameters, slots: optimizer.slots.map(() => new Float32Array(parameters.length)), updates: 0 };
}

export interface OneStep {
  readonly layout: ParameterLayout;
  readonly gradient: Gradient;
  /** Default: 1 both. */
  readonly factors?: GradientFactors;
  readonly learningRate: number;
}

/** The state after one step, in new arrays. Throws where it says that it is not finite. */
export function stepOptimizer(optimizer: Optimizer, state: OptimizerState, step: OneStep): OptimizerState {
  const into = { parameters: new Float32Array(step.layout.size).fill(NaN), slots: state.slots.map((slot) => new Float32Array(slot.length).fill(NaN)) };
  if (!optimizer.step({ factors: UNSCALED, ...step, ...state }, into)) throw new Error('the step is not finite');
  return { ...into, updates: state.updates + 1 };
}

/** `values` as a gradient of `layout`. A row of a row-sparse tensor that is all zeros is left out. */
export function gradientOf(layout: ParameterLayout, values: Float32Array): Gradient {
  const dense = new Float32Array(denseSize(layout));
  let at = 0;
  for (const tensor of denseTensors(layout)) {
    dense.set(viewTensor(values, tensor), at);
    at += tensor.end - tensor.begin;
  }
  const sparse = sparseTensors(layout).map((tensor) => {
    const { rows: rowCount, columns } = matrixShape(tensor);
    const all = viewTensor(values, tensor);
    const present = Array.from({ length: rowCount }, (_, row) => row).filter((row) => all.subarray(row * columns, (row + 1) * columns).some((value) => value !== 0));
    return { rows: Uint32Array.from(present), values: Float32Array.from(present.flatMap((row) => [...all.subarray(row * columns, (row + 1) * columns)])) };
  });
  return { dense, sparse };
}

/** What every optimiser must do, whatever its rule. */
export function describeOptimizer(name: string, create: () => Optimizer, learningRate: number): void {
  describe(`optimizer ${name}`, () => {
    const layout = layOut(TENSORS);
    const optimizer = create();
    const start = startOptimizer(optimizer, Float32Array.from(randomValues(layout.size, 1)));

    it('gives a row-sparse gradient the bits of a dense one with zeros', () => {
      const denseLayout = layOut(TENSORS.map(({ name: tensor, shape }) => ({ name: tensor, shape })));
      const sparse = run(optimizer, start, { steps: [0, 1, 2, 3, 4], learningRate, layout });
      expect(run(optimizer, start, { steps: [0, 1, 2, 3, 4], learningRate, layout: denseLayout })).toEqual(sparse);
    });

    it('goes on from copies of parameters and slots as if it had never stopped', () => {
      const first = run(optimizer, start, { steps: [0, 1, 2], learningRate, layout });
      const copy = { parameters: first.parameters.slice(), slots: first.slots.map((slot) => slot.slice()), updates: first.updates };
      expect(run(create(), copy, { steps: [3, 4, 5], learningRate, layout })).toEqual(run(optimizer, start, { steps: [0, 1, 2, 3, 4, 5], learningRate, layout }));
    });

    it('multiplies the gradient by the mean, then by the clip, rounded each time', () => {
      const factors: GradientFactors = { mean: Math.fround(1 / 3), clip: Math.fround(0.7) };
      const times = (values: Float32Array): Float32Array => values.map((value) => Math.fround(value * factors.mean) * factors.clip);
      const { dense, sparse } = gradientAt(layout, 1);
      const scaled: Gradient = { dense: times(dense), sparse: sparse.map(({ rows, values }) => ({ rows, values: times(values) })) };
      const state = run(optimizer, start, { steps: [0], learningRate, layout });
      expect(stepOptimizer(optimizer, state, { layout, gradient: { dense, sparse }, factors, learningRate })).toEqual(stepOptimizer(optimizer, state, { layout, gradient: scaled, learningRate }));
    });

    it('says where a step is not finite, in dense tensors and in rows', () => {
      const after = (gradient: Gradient): boolean => optimizer.step({ layout, gradient, factors: UNSCALED, learningRate, ...start }, { parameters: new Float32Array(layout.size), slots: start.slots.map((slot) => slot.slice()) });
      const { dense, sparse: [{ rows, values }] } = gradientAt(layout, 1);
      expect(after({ dense, sparse: [{ rows, values }] })).toBe(true);
      for (const place of dense.keys()) expect(after({ dense: dense.with(place, Infinity), sparse: [{ rows, values }] })).toBe(false);
      for (const place of values.keys()) expect(after({ dense, sparse: [{ rows, values: values.with(place, NaN) }] })).toBe(false);
    });

    it('changes nothing that it reads', () => {
      const state = run(optimizer, start, { steps: [0], learningRate, layout });
      const gradient = gradientAt(layout, 1);
      const before = structuredClone({ state, gradient });
      stepOptimizer(optimizer, state, { layout, gradient, learningRate });
      expect({ state, gradient }).toEqual(before);
    });

    it('moves slots, but no parameter, at a learning rate of 0', () => {
      const still = run(optimizer, start, { steps: [0], learningRate: 0, layout });
      expect(still.parameters).toEqual(start.parameters);
      expect(still.slots).toEqual(run(optimizer, start, { steps: [0], learningRate, layout }).slots);
      for (const slot of still.slots) expect(slot.some((value) => value !== 0)).toBe(true);
    });

    it('descends into the minimum of a bowl', () => {
      const bowl = (state: OptimizerState): number => state.parameters.reduce((sum, p) => sum + p * p, 0) / 2;
      let state = start;
      for (let i = 0; i < 400; i += 1) state = stepOptimizer(optimizer, state, { layout, gradient: gradientOf(layout, state.parameters), learningRate });
      expect(bowl(state)).toBeLessThan(bowl(start) / 100);
    });
  });
}

function run(optimizer: Optimizer, from: OptimizerState, { steps, learningRate, layout }: { steps: readonly number[]; learningRate: number; layout: ParameterLayout }): OptimizerState {
  return steps.reduce((state, step) => stepOptimizer(optimizer, state, { layout, gradient: gradientAt(layout, step), learningRate }), from);
}

/** A random gradient of a step, in which half of the words did not occur. */
function gradientAt(layout: ParameterLayout, step: number): Gradient {
  const values = Float32Array.from(randomValues(layout.size, 100 + step));
  const random = stream(step, 'words that occur');
  const { begin } = layout.tensors[1];
  for (let row = 0; row < 6; row += 1) if (random.uniform(row) < 0.5) values.fill(0, begin + 4 * row, begin + 4 * (row + 1));
  return gradientOf(layout, values);
}
