import { BpttError, layOut, type Backend, type HostMatrix, type Program } from '@bptt/core';
import { describeBackend, describeGoldenModels, randomValues, relativeDistance } from '@bptt/core/testing';
import { createSimdBackend, simdBackend } from '@bptt/simd';
import { describe, expect, it, vi } from 'vitest';
import { blasBackend } from './blas-backend.js';
import { blasProducts } from './blas-products.js';
import { openBlas, type BlasLibrary } from './library.js';

/** Why the tests cannot run here; undefined where they can. */
function missing(): string | undefined {
  try {
    blasBackend().dispose();
    return undefined;
  } catch (error) {
    if (error instanceof BpttError && error.code === 'failed-precondition') return error.message;
    throw error;
  }
}

const reason = missing();

function matrix(rows: number, columns: number, seed: number): HostMatrix {
  return { rows, columns, values: Float32Array.from(randomValues(rows * columns, seed)) };
}

if (reason !== undefined) {
  console.warn(`skipped: ${reason}`);
  describe('blas', () => {
    it.skip(`needs a BLAS: ${reason}`, () => undefined);
  });
} else {
  describeBackend('blas', () => blasBackend());
  describeGoldenModels('blas', () => blasBackend());

  describe('blasBackend', () => {
    it('names the library, its version and its processor in its id', () => {
      const { id, executes } = blasBackend();
      expect(id).toMatch(/^blas-(openblas|mkl|blis|accelerate)-[a-z0-9.-]+-1thread\/5$/);
      expect(executes).toMatch(/^BLAS: (openblas|mkl|blis|accelerate) /);
    });

    const tanh: Program = { key: 'tanh', trace: (o, _, { matrices: { x } }) => ({ y: o.activation('tanh', x) }) };
    const inputs = { matrices: { x: matrix(100, 100, 1) }, ids: {} };
    const tanhOf = async (backend: Backend): Promise<HostMatrix['values']> => (await backend.run(tanh, inputs)).y.values;

    it('has the kernels of simd-relaxed', async () => {
      expect(await tanhOf(blasBackend())).toEqual(await tanhOf(simdBackend({ build: 'simd-relaxed' })));
    });

    it('has those of simd, and another id, where it cannot run these', async () => {
      vi.resetModules();
      vi.doMock('@bptt/simd', async (original) => {
        const simd = await original<{ createSimdBackend: typeof createSimdBackend }>();
        const core = await vi.importActual<{ BpttError: typeof BpttError }>('@bptt/core');
        const createElsewhere: typeof createSimdBackend = (options, variant) => {
          if (options.build === 'simd-relaxed') throw new core.BpttError('failed-precondition', 'not here');
          return simd.createSimdBackend(options, variant);
        };
        return { ...simd, createSimdBackend: createElsewhere };
      });
      try {
        const elsewhere = (await import('./blas-backend.js')).blasBackend();
        expect(elsewhere.id).toBe(blasBackend().id.replace('-1thread/', '-1thread-simd/'));
        expect(await tanhOf(elsewhere)).toEqual(await tanhOf(simdBackend()));
        expect(await tanhOf(elsewhere)).not.toEqual(await tanhOf(blasBackend()));
      } finally {
        vi.doUnmock('@bptt/simd');
      }
    });

    it('multiplies parameters and inputs, large and small, transposed and not, onto a matrix and onto a row', async () => {
      const program: Program = {
        key: 'products',
        trace: (o, { w }, { matrices: { a, b, onto, row } }) => ({
          plain: o.matMul(a, w), transposed: o.matMul(b, w, { transposeB: true }), both: o.matMul(w, a, { transposeA: true, transposeB: true }),
          onto: o.matMul(a, w, { addend: onto }), row: o.matMul(a, w, { addend: row }),
        }),
      };
      for (const [m, k, n] of [[1, 2, 3], [13, 70, 300], [13, 200, 800], [64, 129, 65]]) {
        const w = matrix(k, n, 1);
        const inputs = { matrices: { a: matrix(m, k, 2), b: matrix(m, n, 3), onto: matrix(m, n, 4), row: matrix(1, n, 5) }, ids: {} };
        const [own, other] = [blasBackend(), simdBackend()];
        for (const backend of [own, other]) backend.setParameters(layOut([{ name: 'w', shape: [k, n] }]), w.values);
        const [got, want] = [await own.run(program, inputs), await other.run(program, inputs)];
        for (const name of Object.keys(want)) expect(relativeDistance(got[name].values, want[name].values), name).toBeLessThan(1e-6);
      }
    });

    it('cuts a product of few rows into pieces where the library does not pack small operands', async () => {
      const library = openBlas();
      const calls: number[] = [];
      const counting: BlasLibrary = {
        ...library,
        unpackedMultiplicationsMax: 5000,
        sgemm: (...given) => {
          calls.push(given[3]);
          library.sgemm(...given);
        },
      };
      const own = createSimdBackend({}, { id: 'pieces', executes: 'pieces', products: (memory, kernels) => blasProducts(counting, memory, kernels) });
      const other = simdBackend();
      const cases = [
        { m: 5, k: 20, rows: [5] }, { m: 13, k: 20, rows: [4, 4, 4, 1] }, { m: 32, k: 20, rows: Array<number>(8).fill(4) }, { m: 33, k: 20, rows: [33] }, { m: 13, k: 40, rows: [13] },
        { m: 13, k: 20, rows: [13], transposeA: true }, { m: 13, k: 20, rows: [13], transposeB: true },
      ];
      for (const { m, k, rows, transposeA = false, transposeB = false } of cases) {
        const program: Program = { key: 'product', trace: (o, _, { matrices: { a, b, ...rest } }) => ({ y: o.matMul(a, b, { transposeA, transposeB, addend: Object.values(rest).at(0) }) }) };
        const [a, b] = [transposeA ? matrix(k, m, 1) : matrix(m, k, 1), transposeB ? matrix(50, k, 2) : matrix(k, 50, 2)];
        for (const matrices of [{ a, b }, { a, b, c: matrix(m, 50, 3) }]) {
          calls.length = 0;
          const got = await own.run(program, { matrices, ids: {} });
          expect(calls).toEqual(rows);
          expect(relativeDistance(got.y.values, (await other.run(program, { matrices, ids: {} })).y.values)).toBeLessThan(1e-6);
        }
      }
    });

    it('gives the same bits in two instances', async () => {
      const program: Program = { key: 'product', trace: (o, _, { matrices: { a, b } }) => ({ y: o.matMul(a, b), z: o.matMul(a, b) }) };
      const inputs = { matrices: { a: matrix(57, 301, 1), b: matrix(301, 203, 2) }, ids: {} };
      const { y, z } = await blasBackend().run(program, inputs);
      expect(z.values).toEqual(y.values);
      expect((await blasBackend().run(program, inputs)).y.values).toEqual(y.values);
    });
  });
}
