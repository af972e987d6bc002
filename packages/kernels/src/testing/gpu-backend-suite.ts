import { createMicroshardComputer, initializeParameters, layOut, referenceBackend, sgdStep, type Backend, type HostMatrix, type MicroshardComputer, type Operations, type Program } from '@bptt/core';
import { objective, randomMicroshard, randomValues, relativeDistance, smallModel } from '@bptt/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { PLANS_MAX } from '../gpu-backend.js';

const product: Program = { key: 'product', trace: (operations, _, { matrices: { a, b } }) => ({ y: operations.matMul(a, b) }) };

function matrix(rows: number, columns: number, seed: number): HostMatrix {
  return { rows, columns, values: Float32Array.from(randomValues(rows * columns, seed)) };
}

/** Gradient of one microshard, the dense part and the rows of words behind each other. */
async function gradientOf(computer: MicroshardComputer, lengths: readonly number[]): Promise<Float32Array> {
  const { gradient } = await computer.gradient(randomMicroshard({ vocabulary: 7, lengths }));
  if (gradient === undefined) throw new Error('no gradient');
  return Float32Array.from([...gradient.dense, ...gradient.sparse.flatMap(({ values }) => [...values])]);
}

/** Takes `steps` steps of plain SGD on one microshard of the demonstration (`npm start`: V 2000, H 64) and returns the losses. */
async function train(backend: Backend, steps: number): Promise<number[]> {
  const model = smallModel({ vocabulary: 2000, hidden: [64] });
  const computer = createMicroshardComputer({ backend, model, objective: objective(), seed: 1 });
  const microshard = randomMicroshard({ vocabulary: 2000, lengths: [16, 16, 11, 5] });
  let values = initializeParameters(model, 1);
  const losses: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    computer.setParameters(values);
    const { gradient, lossSum, tokens } = await computer.gradient(microshard);
    losses.push(lossSum / tokens);
    if (gradient === undefined) throw new Error('no gradient');
    const next = new Float32Array(values.length);
    sgdStep({ layout: computer.layout, parameters: values, gradient, learningRate: 2 / tokens }, next);
    values = next;
  }
  return losses;
}

/** What only a backend of gpu.js can get wrong, beside the contract: plans and their shapes. `create` opens one in some mode. */
export function describeGpuBackend(name: string, create: () => Backend): void {
  describe(`gpuBackend ${name}`, () => {
    const backends: Backend[] = [];
    const open = (): Backend => {
      const backend = create();
      backends.push(backend);
      return backend;
    };
    afterEach(() => {
      for (const backend of backends.splice(0)) backend.dispose();
    });

    it('answers rightly when two shapes are fed in turn, and back', async () => {
      const model = smallModel();
      const options = { model, objective: objective(), seed: 1 };
      const computer = createMicroshardComputer({ ...options, backend: open() });
      const reference = createMicroshardComputer({ ...options, backend: referenceBackend({ precision: 'float32' }) });
      const parameters = initializeParameters(model, 1);
      computer.setParameters(parameters);
      reference.setParameters(parameters);
      for (const lengths of [[6, 4], [3, 3, 2], [6, 4], [3, 3, 2], [2], [6, 4]]) {
        expect(relativeDistance(await gradientOf(computer, lengths), await gradientOf(reference, lengths))).toBeLessThan(1e-5);
      }
    });

    it('answers rightly when one program is fed two shapes in turn, and back', async () => {
      const backend = open();
      const reference = referenceBackend({ precision: 'float32' });
      for (const [m, k, n] of [[3, 4, 5], [5, 4, 3], [3, 4, 5], [1, 7, 2], [5, 4, 3]]) {
        const inputs = { matrices: { a: matrix(m, k, m), b: matrix(k, n, n) }, ids: {} };
        const got = (await backend.run(product, inputs)).y;
        expect([got.rows, got.columns]).toEqual([m, n]);
        expect(relativeDistance(got.values, (await reference.run(product, inputs)).y.values)).toBeLessThan(1e-6);
      }
    });

    it('compiles anew for parameters of another shape', async () => {
      const backend = open();
      const program: Program = { key: 'sum of w', trace: (operations, { w }) => ({ sum: operations.sumRows(w) }) };
      for (const rows of [2, 5, 2]) {
        const layout = layOut([{ name: 'w', shape: [rows, 3] }]);
        backend.setParameters(layout, new Float32Array(layout.size).fill(1));
        expect(Array.from((await backend.run(program, { matrices: {}, ids: {} })).sum.values)).toEqual([rows, rows, rows]);
      }
    });

    it('still knows the first shape after more shapes than it keeps plans', async () => {
      const backend = open();
      const program: Program = { key: 'twice', trace: (operations, _, { matrices: { a } }) => ({ y: operations.add(a, a) }) };
      for (const rows of [...Array.from({ length: PLANS_MAX + 1 }, (_, i) => i + 1), 1, 2]) {
        const a = matrix(rows, 2, rows);
        const { y } = await backend.run(program, { matrices: { a }, ids: {} });
        expect(Array.from(y.values)).toEqual(Array.from(a.values, (x) => 2 * x));
      }
    });

    it('runs loops longer than the 1000 iterations at which gpu.js stops unless told', async () => {
      const inputs = { matrices: { a: matrix(2, 2500, 1), b: matrix(2500, 3, 2) }, ids: {} };
      const want = (await referenceBackend({ precision: 'float64' }).run(product, inputs)).y.values;
      expect(relativeDistance((await open().run(product, inputs)).y.values, want)).toBeLessThan(1e-5);
    });

    it.each([1, 127, 128, 129, 144, 1000])('sums and finds the largest of %i elements, whatever is left over and wherever it lies', async (n) => {
      const reductions: Program = { key: `reductions of ${String(n)}`, trace: (o, _, { matrices: { a, states, weight, bias }, ids: { targets } }) => {
        const { losses, dStates } = o.linearSoftmaxCrossEntropy({ states, weight, bias, targets });
        return { sum: o.sumRows(a), losses, dStates };
      } };
      const reference = referenceBackend({ precision: 'float64' });
      const backend = open();
      for (const largest of [0, n >> 1, n - 1]) {
        // Above every other by so much that the exponentials of a row would be infinite beside any other maximum.
        const bias: HostMatrix = { rows: 1, columns: n, values: new Float32Array(n) };
        bias.values[largest] = 500;
        const inputs = { matrices: { a: matrix(n, 3, 1), states: matrix(2, 4, 2), weight: matrix(n, 4, 3), bias }, ids: { targets: Int32Array.of(n - 1, 0) } };
        const got = await backend.run(reductions, inputs);
        const want = await reference.run(reductions, inputs);
        for (const name of Object.keys(want)) expect(relativeDistance(got[name].values, want[name].values), `${name}, ${String(largest)}`).toBeLessThan(2e-6);
      }
    });

    it('reads neighbouring rows of a product and of an argument in other steps', async () => {
      const slices: Program = { key: 'slices', trace: (o, _, { matrices: { a, b, c } }) => {
        const product = o.matMul(a, b);
        const inner = o.rows(o.rows(product, 1, 6), 1, 3);
        return {
          inner, sum: o.add(o.rows(product, 0, 3), o.rows(product, 5, 7)), product: o.matMul(o.rows(a, 3, 5), b, { addend: inner }), row: o.matMul(a, b, { addend: o.rows(product, 6, 7) }),
          ofArgument: o.rows(c, 1, 3), ontoArgument: o.add(product, o.rows(c, 2, 9)), beneath: o.matMul(a, b, { addend: o.rows(c, 1, 8) }), beneathRow: o.matMul(a, b, { addend: o.rows(c, 1, 2) }),
        };
      } };
      const inputs = { matrices: { a: matrix(7, 5, 1), b: matrix(5, 4, 2), c: matrix(9, 4, 3) }, ids: {} };
      const got = await open().run(slices, inputs);
      const want = await referenceBackend({ precision: 'float64' }).run(slices, inputs);
      for (const name of Object.keys(want)) expect(relativeDistance(got[name].values, want[name].values), name).toBeLessThan(2e-6);
    });

    it('returns an argument that a program hands through', async () => {
      const a = matrix(3, 2, 1);
      const program: Program = { key: 'identity', trace: (_operations, _parameters, { matrices }) => ({ first: matrices.a, second: matrices.a }) };
      const { first, second } = await open().run(program, { matrices: { a }, ids: {} });
      expect([first, second]).toEqual([a, a]);
    });

    it('stacks many parts of different heights in order', async () => {
      const rows = Array.from({ length: 23 }, (_, i) => i + 1);
      const part = (o: Operations, i: number): ReturnType<Operations['rows']> => o.rows(o.add(o.zeros(24, 1), o.zeros(1, 1)), 0, i);
      const heights: Program = { key: 'stack of many', trace: (o, _, { matrices: { a } }) => ({ y: o.stack(rows.map((n) => o.addRow(part(o, n), o.rows(a, n, n + 1)))) }) };
      const a: HostMatrix = { rows: 24, columns: 1, values: Float32Array.from({ length: 24 }, (_, i) => i) };
      const { y } = await open().run(heights, { matrices: { a }, ids: {} });
      expect(Array.from(y.values)).toEqual(rows.flatMap((n) => Array.from({ length: n }, () => n)));
    });

    it('measures a Jacobian whose errors have all but vanished, where their squares leave float32', async () => {
      const penalty: Program = { key: 'penalty', trace: (o, _, { matrices: { e, v, u } }) => ({ ...o.jacobianPenalty(e, v, u) }) };
      const tiny = (seed: number): HostMatrix => ({ rows: 3, columns: 5, values: matrix(3, 5, seed).values.map((x) => x * 1e-25) });
      const inputs = { matrices: { e: tiny(1), v: tiny(2), u: tiny(3) }, ids: {} };
      const got = await open().run(penalty, inputs);
      const want = await referenceBackend({ precision: 'float64' }).run(penalty, inputs);
      for (const name of Object.keys(want)) expect(relativeDistance(got[name].values, want[name].values), name).toBeLessThan(2e-6);
    });

    it('hands a NaN in a gate on to its unit and to no other', async () => {
      const gates: Program = { key: 'gates', trace: (o, _, { matrices: { a, b, h } }) => ({ lstm: o.lstmGates(a, h).state, gru: o.gruGates(b, b, h).state }) };
      for (const [gate, lstm, gru] of [[0, [4], [4]], [1, [4], [4]], [2, [4], [4]], [3, [4], []]] as const) {
        const [a, b] = [matrix(2, 12, 1), matrix(2, 9, 2)];
        a.values[12 + gate * 3 + 1] = NaN;
        if (gate < 3) b.values[9 + gate * 3 + 1] = NaN;
        const got = await open().run(gates, { matrices: { a, b, h: matrix(2, 3, 3) }, ids: {} });
        const spoilt = ({ values }: HostMatrix): number[] => Array.from(values.keys()).filter((i) => Number.isNaN(values[i]));
        expect([spoilt(got.lstm), spoilt(got.gru)]).toEqual([lstm, gru]);
      }
    });

    it('hands a NaN in one logit on to the loss and the errors of its row', async () => {
      const loss: Program = { key: 'loss', trace: (o, _, { matrices: { states, weight, bias }, ids: { targets } }) => {
        const { losses, dStates } = o.linearSoftmaxCrossEntropy({ states, weight, bias, targets });
        return { losses, dStates };
      } };
      for (const [words, word] of [[7, 0], [7, 3], [7, 6], [150, 0], [150, 75], [150, 149]]) {
        const bias: HostMatrix = { rows: 1, columns: words, values: new Float32Array(words) };
        bias.values[word] = NaN;
        const { losses, dStates } = await open().run(loss, { matrices: { states: matrix(2, 3, 1), weight: matrix(words, 3, 2), bias }, ids: { targets: Int32Array.of(5, 1) } });
        expect([...losses.values, ...dStates.values].every(Number.isNaN)).toBe(true);
      }
    });

    it('takes tanh of large numbers, which some GPUs divide by infinity', async () => {
      const large = (rows: number, columns: number): HostMatrix => ({ rows, columns, values: Float32Array.from({ length: rows * columns }, (_, i) => [1e4, -1e4, 90, -90, 20, -20, 2][i % 7]) });
      const gates: Program = {
        key: 'large gates',
        trace: (o, _, { matrices: { a, b, c, d } }) => {
          const lstm = o.lstmGates(a, c);
          const gru = o.gruGates(b, b, c);
          return { lstm: lstm.state, gru: gru.state, ...o.lstmGatesBackward({ ...lstm, previousCell: c }, d, d) };
        },
      };
      const inputs = { matrices: { a: large(2, 28), b: large(2, 21), c: large(2, 7), d: matrix(2, 7, 1) }, ids: {} };
      const got = await open().run(gates, inputs);
      const want = await referenceBackend({ precision: 'float64' }).run(gates, inputs);
      for (const output of Object.keys(want)) expect(relativeDistance(got[output].values, want[output].values), output).toBeLessThan(1e-5);
    });

    it('trains the model of the demonstration with the losses of the reference', async () => {
      const losses = await train(open(), 6);
      const reference = await train(referenceBackend({ precision: 'float32' }), 6);
      losses.forEach((loss, step) => {
        expect(Math.abs(loss - reference[step])).toBeLessThan(1e-4);
      });
      expect(losses[5]).toBeLessThan(losses[0] - 0.1);
    });

    it('refuses float64, ids outside the table, and matrices larger than it can hold', async () => {
      const backend = open();
      const layout = layOut([{ name: 'w', shape: [2] }]);
      expect(() => { backend.setParameters(layout, new Float64Array(2)); }).toThrow('setParameters: the gpu.js backend computes in float32, got Float64Array');
      await expect(backend.run(product, { matrices: { a: { rows: 1, columns: 1, values: new Float64Array(1) }, b: matrix(1, 1, 1) }, ids: {} })).rejects.toThrow('a: the gpu.js backend computes in float32, got Float64Array');
      const gather: Program = { key: 'gather', trace: (operations, _, { matrices: { a }, ids: { words } }) => ({ y: operations.gatherRows(a, words) }) };
      for (const id of [4, -2]) {
        await expect(backend.run(gather, { matrices: { a: matrix(4, 2, 1) }, ids: { words: Int32Array.of(0, id) } })).rejects.toThrow(`ids words: expected ids in [-1, 4), got ${String(id)}`);
      }
      const huge: Program = { key: 'huge', trace: (operations) => ({ y: operations.zeros(1 << 15, 1 << 15) }) };
      await expect(backend.run(huge, { matrices: {}, ids: {} })).rejects.toMatchObject({ name: 'BpttError', code: 'resource-exhausted' });
    });

    it('runs one program at a time, and none after it is disposed', async () => {
      const backend = open();
      const inputs = { matrices: { a: matrix(2, 2, 1), b: matrix(2, 2, 2) }, ids: {} };
      const first = backend.run(product, inputs);
      await expect(backend.run(product, inputs)).rejects.toThrow('run of product: the backend is running');
      expect((await first).y.rows).toBe(2);
      backend.dispose();
      await expect(backend.run(product, inputs)).rejects.toThrow('run of product: the backend is disposed');
    });
  });
}
