import { afterAll, describe, expect, it } from 'vitest';
import type { Backend, Ids, Matrix, Operations, Program, ProgramInputs } from '../backend.js';
import { caseGradient, type GradientCase } from '../gradient-check.js';
import { initializeParameters, parameterLayout, stateSize } from '../language-model.js';
import { legal } from '../legal.js';
import { createMicroshardComputer } from '../microshard-computer.js';
import { ACTIVATIONS, type ModelConfig } from '../model-config.js';
import type { Objective } from '../objective.js';
import { layOut, viewTensor } from '../parameters.js';
import { referenceBackend } from '../reference-backend.js';
import type { HostMatrix } from '../shape.js';
import { modelMicroshard, objective, randomMicroshard, randomValues, smallModel } from './fixtures.js';
import { describeMeasurements } from './measurement-contract.js';
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
    describeGates(expectAgreement);
    describeErrors(expectAgreement);
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
    describeMeasurements(backend, tolerance);
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

  it('subtracts, multiplies element by element, also by the first rows of a longer matrix, and scales', async () => {
    await expectAgreement('elements', (o, { matrices: { a, b, longer, factor } }) => ({
      difference: o.subtract(a, b), product: o.multiply(a, b), first: o.multiply(a, longer), scaled: o.scale(a, factor),
    }), { matrices: { a: matrix(7, 5, 1), b: matrix(7, 5, 2), longer: matrix(9, 5, 3), factor: matrix(1, 1, 4) }, ids: {} });
  });

  it('adds one row to all rows, and sums all rows', async () => {
    await expectAgreement('rows', (o, { matrices: { a, row } }) => ({ added: o.addRow(a, row), sum: o.sumRows(a) }),
      { matrices: { a: matrix(13, 6, 1), row: matrix(1, 6, 2) }, ids: {} });
  });

  it('gathers rows, zeros for -1', async () => {
    await expectAgreement('gatherRows', (o, { matrices: { table }, ids: { words } }) => ({ y: o.gatherRows(table, words) }),
      { matrices: { table: matrix(9, 7, 1) }, ids: { words: Int32Array.of(8, 0, -1, 3, 3, -1) } });
  });

  it('adds rows by group, leaving out -1, into as many rows or into as many as are asked for', async () => {
    await expectAgreement('scatterAddRows', (o, { matrices: { values }, ids: { groups } }) => ({
      same: o.scatterAddRows(values, groups), more: o.scatterAddRows(values, groups, 11), fewer: o.scatterAddRows(values, groups, 3),
    }), { matrices: { values: matrix(6, 5, 1) }, ids: { groups: Int32Array.of(2, 0, -1, 2, 1, 2) } });
  });

  it('takes columns and puts matrices side by side', async () => {
    await expectAgreement('columns', (o, { matrices: { a, b } }) => {
      const beside = o.beside([o.columns(a, 3, 7), b, o.columns(a, 0, 1)]);
      return { beside, middle: o.columns(beside, 2, 6), alone: o.beside([b]), sum: o.add(o.columns(beside, 4, 9), b) };
    }, { matrices: { a: matrix(6, 7, 1), b: matrix(6, 5, 2) }, ids: {} });
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

function describeGates(expectAgreement: Expect): void {
  for (const [N, H, scale] of [[1, 1, 1], [3, 5, 2], [8, 16, 1], [6, 7, 30]] as const) {
    it(`steps an LSTM forth and back, N ${String(N)} H ${String(H)} scale ${String(scale)}`, async () => {
      await expectAgreement('lstmGates', (o, { matrices: { a, c, dState, dCell } }) => {
        const { state, cell, gates } = o.lstmGates(a, c);
        return { state, cell, gates, ...o.lstmGatesBackward({ gates, previousCell: c, cell }, dState, dCell) };
      }, { matrices: { a: matrix(N, 4 * H, 1, scale), c: matrix(N, H, 2, scale), dState: matrix(N, H, 3), dCell: matrix(N, H, 4) }, ids: {} });
    });

    it(`steps a GRU forth and back, N ${String(N)} H ${String(H)} scale ${String(scale)}`, async () => {
      await expectAgreement('gruGates', (o, { matrices: { projected, recurrent, previous, dState } }) => {
        const { state, gates } = o.gruGates(projected, recurrent, previous);
        return { state, gates, ...o.gruGatesBackward({ gates, recurrent, previous }, dState) };
      }, { matrices: { projected: matrix(N, 3 * H, 1, scale), recurrent: matrix(N, 3 * H, 2, scale), previous: matrix(N, H, 3), dState: matrix(N, H, 4) }, ids: {} });
    });
  }
}

function describeErrors(expectAgreement: Expect): void {
  it('computes the squared error of every row and its gradient', async () => {
    await expectAgreement('squaredError', (o, { matrices: { a, b } }) => ({ ...o.squaredError(a, b) }), { matrices: { a: matrix(5, 3, 1), b: matrix(5, 3, 2) }, ids: {} });
  });

  it('computes the penalty of a Jacobian, leaving out rows without an error', async () => {
    const e = matrix(5, 6, 1);
    const u = matrix(5, 6, 3, 3);
    e.values.fill(0, 6, 12);
    u.values.fill(0, 18, 24);
    await expectAgreement('jacobianPenalty', (o, { matrices: { e, v, u } }) => ({ ...o.jacobianPenalty(e, v, u) }), { matrices: { e, v: matrix(5, 6, 2), u }, ids: {} });
  });
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
  const words = { vocabulary: 40, embedding: 10 };
  const models: [string, ModelConfig][] = [
    ['one-hot tanh without biases', smallModel({ biases: false, vocabulary: 60, hidden: [16] })],
    ['one-hot relu with biases', smallModel({ activation: 'relu', vocabulary: 30, hidden: [12] })],
    ['embedding sigmoid', smallModel({ ...words, activation: 'sigmoid', input: 'embedding', hidden: [12] })],
    ['two layers of different sizes', smallModel({ ...words, input: 'embedding', hidden: [9, 6] })],
    ['GRU', smallModel({ ...words, cell: 'gru', input: 'embedding', hidden: [12] })],
    ['GRU, reset before', smallModel({ ...words, cell: 'gru', resetBefore: true, hidden: [9] })],
    ['two LSTM layers', smallModel({ ...words, cell: 'lstm', input: 'embedding', hidden: [11, 8] })],
    ['tied LSTM', smallModel({ ...words, cell: 'lstm', input: 'embedding', hidden: [10], tied: true })],
    ['adaptive softmax', smallModel({ ...words, cell: 'gru', input: 'embedding', hidden: [16], head: { kind: 'adaptive', cutoffs: [10, 20], divValue: 2 } })],
    ['a class at the last step of vectors', smallModel({ cell: 'lstm', input: 'dense', embedding: 5, hidden: [9], head: { kind: 'lastSoftmax', classes: 4 } })],
    ['a vector at the last step of vectors', smallModel({ input: 'dense', embedding: 5, hidden: [9], head: { kind: 'lastSquaredError', outputs: 3 } })],
  ];
  const regularised: Partial<Objective> = { dropout: 0.4, ar: 2, tar: 3 };
  const objectives: Objective[] = [
    objective(), objective({ truncation: { kind: 'window', k: 3 } }), objective({ truncation: { kind: 'chunk', k: 12 } }),
    objective(regularised), objective({ ...regularised, variational: true, omega: 4 }),
  ];

  for (const [label, model] of models) {
    for (const differentiated of objectives.filter((candidate) => legal({ model, objective: candidate }).length === 0)) {
      const { truncation, dropout, omega } = differentiated;
      it(`computes the gradient of ${label}, ${truncation.kind}${dropout > 0 ? ', dropout, AR and TAR' : ''}${omega > 0 ? ', Omega' : ''}`, async () => {
        const microshard = modelMicroshard(model, [12, 9, 12, 4, 7]);
        const parameters = initializeParameters(model, 1).map((value) => value * 2);
        const initialStates = randomValues(stateSize(model, 5), 4).map(Math.fround);
        const testCase: GradientCase = { model, objective: differentiated, microshard, initialStates };
        const got = await caseGradient(backend, testCase, parameters);
        const want = await caseGradient(referenceBackend({ precision: 'float64' }), testCase, Float64Array.from(parameters));
        for (const tensor of parameterLayout(model).tensors) {
          expect(relativeDistance(viewTensor(got, tensor), viewTensor(want, tensor)), tensor.name).toBeLessThanOrEqual(tolerance);
        }
      });
    }
  }

  it('evaluates to the loss, bit for bit, that the gradient comes with', async () => {
    const model = smallModel({ vocabulary: 50, hidden: [11] });
    const computer = createMicroshardComputer({ backend, model, objective: objective(), seed: 1 });
    computer.setParameters(initializeParameters(model, 3));
    const microshard = randomMicroshard({ vocabulary: 50, lengths: [8, 3, 6] });
    const { lossSum, tokens, finalStates } = await computer.gradient(microshard);
    expect(await computer.evaluate(microshard)).toEqual({ lossSum, tokens, sequences: 3, finalStates, gradient: undefined });
    expect(tokens).toBe(17);
  });

  it('lets numbers that are not finite through, so that an explosion is seen', async () => {
    const model = smallModel();
    const computer = createMicroshardComputer({ backend, model, objective: objective(), seed: 1 });
    for (const bad of [NaN, Infinity]) {
      const parameters = initializeParameters(model, 3);
      parameters.fill(bad, parameters.length - 20);
      computer.setParameters(parameters);
      const { lossSum } = await computer.gradient(randomMicroshard({ vocabulary: 7, lengths: [4, 4] }));
      expect(Number.isFinite(lossSum)).toBe(false);
    }
  });
}
