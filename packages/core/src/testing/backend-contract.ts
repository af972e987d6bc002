import { afterAll, describe, expect, it } from 'vitest';
import type { Backend, Ids, Matrix, Operations, Program, ProgramInputs } from '../backend.js';
import { caseGradient, type GradientCase } from '../gradient-check.js';
import { initializeParameters, parameterLayout } from '../language-model.js';
import { createMicroshardComputer } from '../microshard-computer.js';
import { ACTIVATIONS, type ModelConfig } from '../model-config.js';
import { layOut, viewTensor } from '../parameters.js';
import { referenceBackend } from '../reference-backend.js';
import type { HostMatrix } from '../shape.js';
import type { Truncation } from '../truncation.js';
import { randomMicroshard, randomValues, smallModel } from './fixtures.js';
import { describeGolden } from './golden-contract.js';
import { relativeDistance } from './relative-distance.js';

export interface BackendContractOptions {
  /** Largest `||x - x64|| / ||x64||` of a result or a gradient tensor. Default 1e-5. */
  readonly tolerance?: number;
}

type Inputs = ProgramInputs<Matrix, Ids>;
type HostInputs = ProgramInputs<HostMatrix, Int32Array>;

const matrix = (rows: number, columns: number, seed: number, scale = 1): HostMatrix => ({
  rows,
  columns,
  values: Float32Array.from(randomValues(rows * columns, seed, scale)),
});

/** The suite that every backend passes: each operation, and whole training gradients, against the float64 reference, and whole models beside PyTorch. */
export function describeBackend(name: string, create: () => Backend, { tolerance = 1e-5 }: BackendContractOptions = {}): void {
  describe(`backend contract: ${name}`, () => {
    const backend = create();
    const oracle = referenceBackend({ precision: 'float64' });
    afterAll(() => {
      backend.dispose();
    });

    const expectAgreement = async (label: string, trace: (operations: Operations, inputs: Inputs) => Record<string, Matrix>, inputs: HostInputs): Promise<void> => {
      const program: Program = { key: `contract ${label}`, trace: (operations, _, handles) => trace(operations, handles) };
      const got = await backend.run(program, inputs);
      const expected = await oracle.run(program, inputs);
      expect(Object.keys(got)).toEqual(Object.keys(expected));
      for (const [output, want] of Object.entries(expected)) {
        expect([got[output].rows, got[output].columns], `${output}: shape`).toEqual([want.rows, want.columns]);
        expect(relativeDistance(got[output].values, want.values), output).toBeLessThanOrEqual(tolerance);
      }
    };

    describeMatMul(expectAgreement);
    describeRows(expectAgreement);
    describePointwise(expectAgreement);
    describeSoftmax(expectAgreement);

    it('gives the same bits whatever ran before', async () => {
      const program: Program = { key: 'contract repeat', trace: (operations, _, { matrices: { a, b } }) => ({ y: operations.matMul(a, b) }) };
      const inputs = { matrices: { a: matrix(9, 17, 1), b: matrix(17, 13, 2) }, ids: {} };
      const first = (await backend.run(program, inputs)).y.values.slice();
      await backend.run({ ...program, key: 'contract repeat larger' }, { matrices: { a: matrix(40, 30, 3, 100), b: matrix(30, 50, 4, 100) }, ids: {} });
      expect((await backend.run(program, inputs)).y.values).toEqual(first);
    });

    it('reads parameters by name until the next are set', async () => {
      const layout = layOut([{ name: 'w', shape: [3, 2] }, { name: 'b', shape: [4] }]);
      const program: Program = { key: 'contract parameters', trace: (operations, { w, b }) => ({ w: operations.add(w, w), b: operations.add(b, b) }) };
      for (const seed of [1, 2]) {
        const values = Float32Array.from(randomValues(layout.size, seed));
        backend.setParameters(layout, values);
        const { w, b } = await backend.run(program, { matrices: {}, ids: {} });
        expect([b.rows, b.columns]).toEqual([1, 4]);
        expect(Array.from(w.values)).toEqual(Array.from(viewTensor(values, layout.tensors[0]), (x) => 2 * x));
        expect(Array.from(b.values)).toEqual(Array.from(viewTensor(values, layout.tensors[1]), (x) => 2 * x));
      }
    });

    describeTraining(backend, tolerance);
    describeGolden(backend, tolerance);
  });
}

type Expect = (label: string, trace: (operations: Operations, inputs: Inputs) => Record<string, Matrix>, inputs: HostInputs) => Promise<void>;

function describeMatMul(expectAgreement: Expect): void {
  const sizes = [[1, 1, 1], [3, 5, 2], [8, 8, 8], [17, 33, 9], [5, 70, 131], [66, 19, 40]] as const;
  for (const [transposeA, transposeB] of [[false, false], [true, false], [false, true], [true, true]] as const) {
    it(`multiplies with transposeA ${String(transposeA)} and transposeB ${String(transposeB)}, with and without an addend`, async () => {
      for (const [m, k, n] of sizes) {
        const a = transposeA ? matrix(k, m, 1) : matrix(m, k, 1);
        const b = transposeB ? matrix(n, k, 2) : matrix(k, n, 2);
        await expectAgreement(`matMul ${String(transposeA)} ${String(transposeB)}`, (o, { matrices: { a, b, c, row } }) => ({
          plain: o.matMul(a, b, { transposeA, transposeB }),
          whole: o.matMul(a, b, { transposeA, transposeB, addend: c }),
          row: o.matMul(a, b, { transposeA, transposeB, addend: row }),
        }), { matrices: { a, b, c: matrix(m, n, 3), row: matrix(1, n, 4) }, ids: {} });
      }
    });
  }
}

function describeRows(expectAgreement: Expect): void {
  it('adds matrices, and a shorter one to the first rows', async () => {
    await expectAgreement('add', (o, { matrices: { a, b, c } }) => ({ same: o.add(a, b), shorter: o.add(a, c) }),
      { matrices: { a: matrix(7, 5, 1), b: matrix(7, 5, 2), c: matrix(3, 5, 3) }, ids: {} });
  });

  it('adds one row to all rows, and sums all rows', async () => {
    await expectAgreement('rows', (o, { matrices: { a, row } }) => ({ added: o.addRow(a, row), sum: o.sumRows(a) }),
      { matrices: { a: matrix(13, 6, 1), row: matrix(1, 6, 2) }, ids: {} });
  });

  it('gathers rows, zeros for -1', async () => {
    await expectAgreement('gatherRows', (o, { matrices: { table }, ids: { words } }) => ({ y: o.gatherRows(table, words) }),
      { matrices: { table: matrix(9, 7, 1) }, ids: { words: Int32Array.of(8, 0, -1, 3, 3, -1) } });
  });

  it('adds rows by group, leaving out -1', async () => {
    await expectAgreement('scatterAddRows', (o, { matrices: { values }, ids: { groups } }) => ({ y: o.scatterAddRows(values, groups) }),
      { matrices: { values: matrix(6, 5, 1) }, ids: { groups: Int32Array.of(2, 0, -1, 2, 1, 2) } });
  });

  it('stacks matrices, takes rows, and makes zeros', async () => {
    await expectAgreement('stack', (o, { matrices: { a, b } }) => {
      const stacked = o.stack([a, b, o.rows(a, 1, 3), o.zeros(2, 4)]);
      return { stacked, middle: o.rows(stacked, 2, 6), sum: o.add(o.rows(stacked, 1, 5), o.rows(a, 0, 4)) };
    }, { matrices: { a: matrix(4, 4, 1), b: matrix(1, 4, 2) }, ids: {} });
  });
}

function describePointwise(expectAgreement: Expect): void {
  for (const f of ACTIVATIONS) {
    it(`computes ${f} and its derivative from the output`, async () => {
      const a: HostMatrix = { rows: 3, columns: 5, values: Float32Array.of(0, -0.5, 0.5, 1e-6, -1e-6, 3, -3, 8, -8, 20, -20, 90, -90, 1e4, -1e4) };
      await expectAgreement(f, (o, { matrices: { a, dY } }) => {
        const y = o.activation(f, a);
        return { y, dA: o.activationBackward(f, y, dY) };
      }, { matrices: { a, dY: matrix(3, 5, 2) }, ids: {} });
    });
  }
}

function describeSoftmax(expectAgreement: Expect): void {
  const inputs = (N: number, H: number, V: number, scale: number): HostInputs => ({
    matrices: { states: matrix(N, H, 1, scale), weight: matrix(V, H, 2, scale), bias: matrix(1, V, 3) },
    ids: { targets: Int32Array.from({ length: N }, (_, i) => (i % 3 === 1 ? -1 : (i * 7) % V)) },
  });

  for (const [N, H, V, scale] of [[1, 1, 4, 1], [5, 3, 9, 1], [37, 12, 70, 1], [70, 16, 300, 1], [6, 8, 20, 30]] as const) {
    it(`computes losses and gradients of the output layer, N ${String(N)} H ${String(H)} V ${String(V)} scale ${String(scale)}`, async () => {
      await expectAgreement('linearSoftmaxCrossEntropy', (o, { matrices: { states, weight, bias }, ids: { targets } }) => {
        const biased = o.linearSoftmaxCrossEntropy({ states, weight, bias, targets });
        const { losses, dStates, dWeight } = o.linearSoftmaxCrossEntropy({ states, weight, bias: undefined, targets });
        if (biased.dBias === undefined) throw new Error('dBias is missing');
        return {
          losses, dStates, dWeight,
          biasedLosses: biased.losses, biasedDStates: biased.dStates, biasedDWeight: biased.dWeight, dBias: biased.dBias,
          lossAlone: o.linearSoftmaxLoss({ states, weight, bias, targets }),
        };
      }, inputs(N, H, V, scale));
    });
  }

  it('sends nothing back when every target is ignored', async () => {
    await expectAgreement('linearSoftmaxCrossEntropy ignored', (o, { matrices: { states, weight, bias }, ids: { targets } }) => {
      const { losses, dStates, dWeight } = o.linearSoftmaxCrossEntropy({ states, weight, bias, targets });
      return { losses, dStates, dWeight };
    }, { ...inputs(4, 3, 9, 1), ids: { targets: Int32Array.of(-1, -1, -1, -1) } });
  });
}

function describeTraining(backend: Backend, tolerance: number): void {
  const models: [string, ModelConfig][] = [
    ['one-hot tanh without biases', smallModel({ biases: false, vocabulary: 60, hidden: 16 })],
    ['one-hot relu with biases', smallModel({ activation: 'relu', vocabulary: 30, hidden: 12 })],
    ['embedding sigmoid', smallModel({ activation: 'sigmoid', input: 'embedding', vocabulary: 40, embedding: 10, hidden: 12 })],
    ['two layers', smallModel({ layers: 2, input: 'embedding', vocabulary: 40, embedding: 6, hidden: 9 })],
  ];
  const truncations: Truncation[] = [{ kind: 'full' }, { kind: 'window', k: 3 }, { kind: 'chunk', k: 12 }];

  for (const [label, model] of models) {
    for (const truncation of truncations) {
      it(`computes the gradient of ${label}, ${truncation.kind}`, async () => {
        const microshard = randomMicroshard({ vocabulary: model.vocabulary, lengths: [12, 9, 12, 4, 7] });
        const parameters = initializeParameters(model, 1).map((value) => value * 3);
        const initialStates = randomValues(model.layers * 5 * model.hidden, 4).map(Math.fround);
        const testCase: GradientCase = { model, truncation, reduction: 'tokenMean', microshard, initialStates };
        const got = await caseGradient(backend, testCase, parameters);
        const want = await caseGradient(referenceBackend({ precision: 'float64' }), testCase, Float64Array.from(parameters));
        for (const tensor of parameterLayout(model).tensors) {
          expect(relativeDistance(viewTensor(got, tensor), viewTensor(want, tensor)), tensor.name).toBeLessThanOrEqual(tolerance);
        }
      });
    }
  }

  it('evaluates to the loss, bit for bit, that the gradient comes with', async () => {
    const model = smallModel({ vocabulary: 50, hidden: 11 });
    const computer = createMicroshardComputer({ backend, model, truncation: { kind: 'full' } });
    computer.setParameters(initializeParameters(model, 3));
    const microshard = randomMicroshard({ vocabulary: 50, lengths: [8, 3, 6] });
    const { lossSum, tokens, finalStates } = await computer.gradient(microshard);
    expect(await computer.evaluate(microshard)).toEqual({ lossSum, tokens, sequences: 3, finalStates, gradient: undefined });
    expect(tokens).toBe(17);
  });

  it('lets numbers that are not finite through, so that an explosion is seen', async () => {
    const model = smallModel();
    const computer = createMicroshardComputer({ backend, model, truncation: { kind: 'full' } });
    for (const bad of [NaN, Infinity]) {
      const parameters = initializeParameters(model, 3);
      parameters.fill(bad, parameters.length - 20);
      computer.setParameters(parameters);
      const { lossSum } = await computer.gradient(randomMicroshard({ vocabulary: 7, lengths: [4, 4] }));
      expect(Number.isFinite(lossSum)).toBe(false);
    }
  });
}
