import { referenceBackend, type Backend, shapeText, type HostMatrix, type Ids, type Matrix, type Operations, type ProgramInputs } from '@bptt/core';
import { randomValues, relativeDistance } from '@bptt/core/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIMD_BUILDS } from './kernels.js';
import { simdBackend } from './simd-backend.js';

let backend: Backend;

type Trace = (operations: Operations, matrices: Record<string, Matrix>, ids: Record<string, Ids>) => Record<string, Matrix>;

function compute(trace: Trace, matrices: Record<string, HostMatrix>, ids: Record<string, Int32Array> = {}): Promise<Record<string, HostMatrix>> {
  const program = { key: 'test', trace: (operations: Operations, _: unknown, inputs: ProgramInputs<Matrix, Ids>) => trace(operations, inputs.matrices, inputs.ids) };
  return backend.run(program, { matrices, ids });
}

function matrix(rows: number, columns: number, seed: number, scale = 1): HostMatrix {
  return { rows, columns, values: Float32Array.from(randomValues(rows * columns, seed, scale)) };
}

const at = (a: HostMatrix, i: number, j: number): number => a.values[i * a.columns + j];
const sizes = { rows: (a: HostMatrix, t: boolean) => (t ? a.columns : a.rows), columns: (a: HostMatrix, t: boolean) => (t ? a.rows : a.columns) };

interface ProductCase {
  readonly a: HostMatrix;
  readonly b: HostMatrix;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly addend?: HostMatrix;
}

function productInFloat64({ a, b, transposeA, transposeB, addend }: ProductCase): Float64Array {
  const m = sizes.rows(a, transposeA);
  const k = sizes.columns(a, transposeA);
  const n = sizes.columns(b, transposeB);
  return Float64Array.from({ length: m * n }, (_, index) => {
    const i = Math.floor(index / n);
    const j = index % n;
    let sum = addend === undefined ? 0 : at(addend, addend.rows === 1 ? 0 : i, j);
    for (let p = 0; p < k; p += 1) sum += (transposeA ? at(a, p, i) : at(a, i, p)) * (transposeB ? at(b, j, p) : at(b, p, j));
    return sum;
  });
}

async function product({ a, b, transposeA, transposeB, addend }: ProductCase): Promise<HostMatrix> {
  const { y } = await compute((o, { a, b, addend }) => ({ y: o.matMul(a, b, { transposeA, transposeB, addend }) }), { a, b, ...(addend && { addend }) });
  return y;
}

function productCase(m: number, k: number, n: number, kind: { transposeA: boolean; transposeB: boolean; addendRows?: number | undefined }): ProductCase {
  const { transposeA, transposeB, addendRows } = kind;
  const a = transposeA ? matrix(k, m, 1) : matrix(m, k, 1);
  const b = transposeB ? matrix(n, k, 2) : matrix(k, n, 2);
  return { a, b, transposeA, transposeB, ...(addendRows !== undefined && { addend: matrix(addendRows, n, 3) }) };
}

const TRANSPOSES = [[false, false], [false, true], [true, false], [true, true]] as const;

describe.each(SIMD_BUILDS)('%s', (build) => {
  beforeAll(() => {
    backend = simdBackend({ build });
  });
  afterAll(() => {
    backend.dispose();
  });

  describe('matMul', () => {
    it('agrees with float64 for all transposes, addends and ragged shapes', async () => {
      const size = fc.integer({ min: 1, max: 40 });
      const cases = fc.record({ m: size, k: size, n: size, transposeA: fc.boolean(), transposeB: fc.boolean(), addend: fc.constantFrom('none', 'row', 'matrix') });
      await fc.assert(fc.asyncProperty(cases, async ({ m, k, n, transposeA, transposeB, addend }) => {
        const addendRows = addend === 'none' ? undefined : addend === 'row' ? 1 : m;
        const testCase = productCase(m, k, n, { transposeA, transposeB, addendRows });
        const got = await product(testCase);
        expect([got.rows, got.columns]).toEqual([m, n]);
        expect(relativeDistance(got.values, productInFloat64(testCase))).toBeLessThan(1e-6);
      }), { numRuns: 100 });
    });

    it.each(TRANSPOSES)('crosses every block boundary, transposeA %s, transposeB %s', async (transposeA, transposeB) => {
      for (const [m, k, n] of [[65, 257, 9], [65, 257, 28], [3, 513, 20], [2, 9, 2060], [1, 258, 2049], [2, 257, 44]] as const) {
        for (const addendRows of [1, m]) {
          const testCase = productCase(m, k, n, { transposeA, transposeB, addendRows });
          expect(relativeDistance((await product(testCase)).values, productInFloat64(testCase))).toBeLessThan(1e-6);
        }
      }
    });

    it('is the addend, or zero, when the inner size is zero', async () => {
      const addend = matrix(1, 12, 1);
      const empty = { a: { rows: 9, columns: 0, values: new Float32Array(0) }, b: { rows: 0, columns: 12, values: new Float32Array(0) }, addend };
      const { zero, filled } = await compute((o, { a, b, addend }) => ({ zero: o.matMul(a, b), filled: o.matMul(a, b, { addend }) }), empty);
      expect([...zero.values]).toEqual(Array(9 * 12).fill(0));
      expect([...filled.values]).toEqual(Array.from({ length: 9 }, () => [...addend.values]).flat());
    });

    it.each([36, 37])('gives a row the same bits whatever other rows are multiplied with it, %i columns', async (n) => {
      const a = matrix(71, 300, 1);
      const b = matrix(300, n, 2);
      const { all, last } = await compute((o, { a, b }) => ({ all: o.matMul(a, b), last: o.matMul(o.rows(a, 70, 71), b) }), { a, b });
      expect(all.values.slice(70 * n)).toEqual(last.values);
    });

    it.each([20, 44, 53, 1100])('gives one row and two the same bits as among many, %i columns', async (n) => {
      const inputs = { a: matrix(9, 300, 1), b: matrix(300, n, 2), c: matrix(9, n, 3) };
      const { all, one, two } = await compute((o, { a, b, c }) => ({
        all: o.matMul(a, b, { addend: c }), one: o.matMul(o.rows(a, 8, 9), b, { addend: o.rows(c, 8, 9) }), two: o.matMul(o.rows(a, 2, 4), b, { addend: o.rows(c, 2, 4) }),
      }), inputs);
      expect(one.values).toEqual(all.values.slice(8 * n));
      expect(two.values).toEqual(all.values.slice(2 * n, 4 * n));
    });

    it('gives an element the same bits whatever stands around it, with an addend and without', async () => {
      const [M, N] = [21, 29];
      const inputs = { a: matrix(M, 70, 1), b: matrix(70, N, 2), c: matrix(M, N, 3) };
      const results = await compute((o, { a, b, c }) => Object.fromEntries(Array.from({ length: M * N }, (_, i) => [Math.floor(i / N) + 1, (i % N) + 1]).flatMap(([m, n]) => {
        const [left, right] = [o.rows(a, 0, m), o.columns(b, 0, n)];
        const addend = o.columns(o.rows(c, 0, m), 0, n);
        return [[`product ${String(m)} ${String(n)}`, o.matMul(left, right)], [`sum ${String(m)} ${String(n)}`, o.matMul(left, right, { addend })]];
      })), inputs);
      for (const [name, { rows, columns, values }] of Object.entries(results)) {
        const whole = results[`${name.split(' ')[0]} ${String(M)} ${String(N)}`].values;
        expect(values, name).toEqual(whole.filter((_, i) => i < rows * N && i % N < columns));
      }
    });

    it('does not confuse right operands that follow each other: other values, transpose, shape', async () => {
      const inputs = { a: matrix(6, 6, 1), b: matrix(6, 6, 2), c: matrix(6, 6, 3) };
      const { b1, b2, c, half, again } = await compute((o, { a, b, c }) => ({
        b1: o.matMul(a, b), b2: o.matMul(a, b, { transposeB: true }), c: o.matMul(a, c), half: o.matMul(o.rows(a, 0, 2), o.rows(b, 0, 3), { transposeB: true }), again: o.matMul(a, b),
      }), inputs);
      const expected = (b: HostMatrix, transposeB: boolean): Float64Array => productInFloat64({ a: inputs.a, b, transposeA: false, transposeB });
      expect(relativeDistance(b1.values, expected(inputs.b, false))).toBeLessThan(1e-6);
      expect(relativeDistance(b2.values, expected(inputs.b, true))).toBeLessThan(1e-6);
      expect(relativeDistance(c.values, expected(inputs.c, false))).toBeLessThan(1e-6);
      expect([half.rows, half.columns]).toEqual([2, 3]);
      expect(again.values).toEqual(b1.values);
    });

    it('forgets packed operands between runs', async () => {
      const identity = { rows: 2, columns: 2, values: Float32Array.of(1, 0, 0, 1) };
      for (const scale of [1, 2, 3]) {
        const b = { rows: 2, columns: 2, values: Float32Array.of(scale, 0, 0, scale) };
        const { y } = await compute((o, { a, b }) => ({ y: o.matMul(a, b) }), { a: identity, b });
        expect([...y.values]).toEqual([scale, 0, 0, scale]);
      }
    });

    it('lets NaN reach the elements that depend on it and no others', async () => {
      const a = { rows: 2, columns: 1, values: Float32Array.of(NaN, 1) };
      const b = { rows: 1, columns: 2, values: Float32Array.of(1, Infinity) };
      const { y } = await compute((o, { a, b }) => ({ y: o.matMul(a, b) }), { a, b });
      expect([...y.values]).toEqual([NaN, NaN, 1, Infinity]);
    });

    it('refuses inner sizes that differ and addends that do not fit', async () => {
      const inputs = { a: matrix(2, 4, 1), b: matrix(5, 3, 2), c: matrix(4, 3, 3), wide: matrix(2, 4, 4) };
      await expect(compute((o, { a, b }) => ({ y: o.matMul(a, b) }), inputs)).rejects.toThrow('matMul: inner sizes 4 and 5 differ (a [2, 4], b [5, 3])');
      await expect(compute((o, { a, c }) => ({ y: o.matMul(a, c, { transposeB: true }) }), inputs)).rejects.toThrow('inner sizes 4 and 3 differ (a [2, 4], b [4, 3] transposed)');
      await expect(compute((o, { a, c, wide }) => ({ y: o.matMul(a, c, { addend: wide }) }), inputs)).rejects.toThrow('expected an addend [2, 3] or [1, 3], got [2, 4]');
    });
  });

  describe('row operations', () => {
    it('leave neighbours alone at every ragged width', async () => {
      for (let columns = 1; columns <= 9; columns += 1) {
        const a = matrix(5, columns, columns);
        const row = matrix(1, columns, 20);
        const { added, sum, scattered, shorter } = await compute((o, { a, row }, { groups }) => ({
          added: o.addRow(a, row), sum: o.sumRows(a), scattered: o.scatterAddRows(a, groups), shorter: o.add(a, o.rows(a, 1, 3)),
        }), { a, row }, { groups: Int32Array.of(4, 1, -1, 4, 0) });
        for (let j = 0; j < columns; j += 1) {
          const column = [0, 1, 2, 3, 4].map((i) => at(a, i, j));
          expect([0, 1, 2, 3, 4].map((i) => at(added, i, j))).toEqual(column.map((x) => Math.fround(x + row.values[j])));
          expect(sum.values[j]).toBeCloseTo(column.reduce((x, y) => x + y), 5);
          expect([0, 1, 2, 3, 4].map((i) => at(scattered, i, j))).toEqual([column[4], column[1], 0, 0, Math.fround(column[0] + column[3])]);
          expect(at(shorter, 1, j)).toBe(Math.fround(column[1] + column[2]));
          expect(at(shorter, 2, j)).toBe(column[2]);
        }
      }
    });

    it('sum many rows without losing accuracy', async () => {
      const { sum } = await compute((o, { a }) => ({ sum: o.sumRows(a) }), { a: { rows: 20_000, columns: 3, values: new Float32Array(60_000).fill(0.1) } });
      for (const x of sum.values) expect(Math.abs(x / (20_000 * Math.fround(0.1)) - 1)).toBeLessThan(1e-7);
    });

    it('never change an operand', async () => {
      const a = matrix(4, 5, 1);
      const { copy } = await compute((o, { a }, { ids }) => {
        const y = o.activation('tanh', a);
        o.activationBackward('tanh', y, a);
        o.addRow(a, o.rows(a, 0, 1));
        o.subtract(a, y);
        o.multiply(a, y);
        o.scale(a, o.columns(o.rows(a, 0, 1), 0, 1));
        o.beside([a, y]);
        o.squaredError(a, y);
        o.jacobianPenalty(a, y, a);
        o.gatherRows(a, ids);
        o.linearSoftmaxCrossEntropy({ states: a, weight: a, bias: undefined, targets: ids });
        return { copy: o.rows(a, 0, 4) };
      }, { a }, { ids: Int32Array.of(0, 3, -1, 2) });
      expect(copy.values).toEqual(a.values);
    });

    it('refuse ids outside the table and shapes that do not fit', async () => {
      const inputs = { a: matrix(3, 2, 1), b: matrix(4, 3, 2) };
      await expect(compute((o, { a }, { ids }) => ({ y: o.gatherRows(a, ids) }), inputs, { ids: Int32Array.of(0, 3) })).rejects.toThrow('gatherRows: expected ids in [-1, 3), got 3 at 1');
      await expect(compute((o, { a }, { ids }) => ({ y: o.gatherRows(a, ids) }), inputs, { ids: Int32Array.of(-2) })).rejects.toThrow('got -2 at 0');
      await expect(compute((o, { a }, { ids }) => ({ y: o.scatterAddRows(a, ids) }), inputs, { ids: Int32Array.of(0) })).rejects.toThrow(`one group for each row of ${shapeText(inputs.a)}, got 1`);
      await expect(compute((o, { a }, { ids }) => ({ y: o.scatterAddRows(a, ids, 2) }), inputs, { ids: Int32Array.of(0, 1, 2) })).rejects.toThrow('scatterAddRows: expected ids in [-1, 2), got 2 at 2');
      await expect(compute((o, { a, b }) => ({ y: o.subtract(a, b) }), inputs)).rejects.toThrow('subtract: expected [3, 2], got [4, 3]');
      await expect(compute((o, { a }) => ({ y: o.multiply(a, o.rows(a, 0, 2)) }), inputs)).rejects.toThrow('multiply: expected b of the columns and at least the rows of a, got a [3, 2], b [2, 2]');
      await expect(compute((o, { a }) => ({ y: o.scale(a, a) }), inputs)).rejects.toThrow('scale: expected [1, 1], got [3, 2]');
      await expect(compute((o, { a }) => ({ y: o.columns(a, 1, 3) }), inputs)).rejects.toThrow('columns: expected a range within 2 columns, got [1, 3)');
      await expect(compute((o, { a, b }) => ({ y: o.beside([a, b]) }), inputs)).rejects.toThrow('beside: expected 3 rows everywhere, got [4, 3]');
      await expect(compute((o) => ({ y: o.beside([]) }), inputs)).rejects.toThrow('beside: expected at least one matrix');
      await expect(compute((o, { a, b }) => ({ y: o.add(a, b) }), inputs)).rejects.toThrow('got a [3, 2], b [4, 3]');
      await expect(compute((o, { a, b }) => ({ y: o.addRow(a, b) }), inputs)).rejects.toThrow('expected a row [1, 2] for a [3, 2], got [4, 3]');
      await expect(compute((o, { a, b }) => ({ y: o.stack([a, b]) }), inputs)).rejects.toThrow('expected 2 columns everywhere, got [4, 3]');
      await expect(compute((o) => ({ y: o.stack([]) }), inputs)).rejects.toThrow('at least one matrix');
      await expect(compute((o, { a }) => ({ y: o.rows(a, 2, 4) }), inputs)).rejects.toThrow('expected a range within 3 rows, got [2, 4)');
      await expect(compute((o, { a, b }) => ({ y: o.activationBackward('relu', a, b) }), inputs)).rejects.toThrow('shapes differ (y [3, 2], dY [4, 3])');
    });
  });

  describe('row errors', () => {
    it('measure a Jacobian whose errors have all but vanished, where their squares leave float32', async () => {
      const [e, v, u] = [1, 2, 3].map((seed) => matrix(3, 5, seed, 1e-25));
      const { penalties, scaled } = await compute((o, { e, v, u }) => ({ ...o.jacobianPenalty(e, v, u) }), { e, v, u });
      const oracle = await referenceBackend({ precision: 'float64' }).run({ key: 'penalty', trace: (o, _, { matrices: { e, v, u } }) => ({ ...o.jacobianPenalty(e, v, u) }) }, { matrices: { e, v, u }, ids: {} });
      expect(relativeDistance(penalties.values, oracle.penalties.values)).toBeLessThan(1e-6);
      expect(relativeDistance(scaled.values, oracle.scaled.values)).toBeLessThan(1e-6);
    });

    it('show a NaN in its row and in no other', async () => {
      const bad = matrix(3, 2, 1);
      bad.values[2] = NaN;
      const { losses, penalties, ofU } = await compute((o, { bad, good }) => ({
        losses: o.squaredError(bad, good).losses, penalties: o.jacobianPenalty(bad, good, good).penalties, ofU: o.jacobianPenalty(good, good, bad).scaled,
      }), { bad, good: matrix(3, 2, 2) });
      expect([...losses.values].map(Number.isNaN)).toEqual([false, true, false]);
      expect([...penalties.values].map(Number.isNaN)).toEqual([false, true, false]);
      expect([...ofU.values].map(Number.isNaN)).toEqual([false, false, true, true, false, false]);
    });
  });
});
