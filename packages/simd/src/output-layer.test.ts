import { referenceBackend, type Backend, type HostMatrix, type Program } from '@bptt/core';
import { randomValues, relativeDistance } from '@bptt/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIMD_BUILDS } from './kernels.js';
import { simdBackend } from './simd-backend.js';

let backend: Backend;
const oracle = referenceBackend({ precision: 'float64' });

const gradients: Program = {
  key: 'output layer',
  trace: (operations, _, { matrices: { states, weight, bias }, ids: { targets } }) => {
    const layer = { states, weight, bias, targets };
    const { losses, dStates, dWeight, dBias } = operations.linearSoftmaxCrossEntropy(layer);
    if (dBias === undefined) throw new Error('dBias is missing');
    return { losses, dStates, dWeight, dBias, alone: operations.linearSoftmaxLoss(layer) };
  },
};

interface LayerValues {
  readonly states: HostMatrix;
  readonly weight: HostMatrix;
  readonly bias: HostMatrix;
  readonly targets: Int32Array;
}

/** `ignored`: which rows have no target. */
function layer(N: number, H: number, V: number, ignored: (row: number) => boolean = () => false): LayerValues {
  const matrix = (rows: number, columns: number, seed: number): HostMatrix => ({ rows, columns, values: Float32Array.from(randomValues(rows * columns, seed)) });
  const targets = Int32Array.from({ length: N }, (_, row) => (ignored(row) ? -1 : (row * 31) % V));
  return { states: matrix(N, H, 1), weight: matrix(V, H, 2), bias: matrix(1, V, 3), targets };
}

async function run(on: Backend, { states, weight, bias, targets }: LayerValues): Promise<Record<string, HostMatrix>> {
  return on.run(gradients, { matrices: { states, weight, bias }, ids: { targets } });
}

describe.each(SIMD_BUILDS)('%s', (build) => {
  beforeAll(() => {
    backend = simdBackend({ build });
  });
  afterAll(() => {
    backend.dispose();
  });

  describe('output layer', () => {
    it.each([[64, 4, 8], [320, 5, 9], [321, 6, 9], [700, 7, 301], [200, 3, 2051]])('agrees with float64 over several blocks, N %i H %i V %i', async (N, H, V) => {
      const values = layer(N, H, V, (row) => row % 5 === 2);
      const got = await run(backend, values);
      const want = await run(oracle, values);
      for (const name of Object.keys(want)) expect(relativeDistance(got[name].values, want[name].values), name).toBeLessThan(2e-6);
    });

    it('gives the loss alone the same bits', async () => {
      const { losses, alone } = await run(backend, layer(100, 6, 77));
      expect(alone.values).toEqual(losses.values);
    });

    it('keeps what ignored rows hold out of every gradient, NaN included', async () => {
      const values = layer(70, 5, 21, (row) => row >= 60);
      const clean = Object.fromEntries(Object.entries(await run(backend, values)).map(([name, { values }]) => [name, values.slice()]));
      values.states.values.fill(NaN, 60 * 5);
      const poisoned = await run(backend, values);
      for (const name of Object.keys(clean)) expect(poisoned[name].values, name).toEqual(clean[name]);
      expect([...poisoned.losses.values.slice(60)]).toEqual(Array(10).fill(0));
      expect([...poisoned.dStates.values.slice(60 * 5)]).toEqual(Array(50).fill(0));
    });

    it('shows a NaN in a row that counts in its loss and in the weights', async () => {
      const values = layer(3, 2, 5);
      values.states.values[2] = NaN;
      const { losses, dWeight } = await run(backend, values);
      expect([...losses.values].map(Number.isNaN)).toEqual([false, true, false]);
      expect(dWeight.values.some(Number.isNaN)).toBe(true);
    });

    it('survives logits that overflow exp, with finite losses', async () => {
      const values = {
        states: { rows: 3, columns: 1, values: Float32Array.of(1000, -1000, 1000) },
        weight: { rows: 5, columns: 1, values: Float32Array.of(1, 2, 3, 4, 5) },
        bias: { rows: 1, columns: 5, values: new Float32Array(5) },
        targets: Int32Array.of(4, 0, 0),
      };
      const { losses, dBias } = await run(backend, values);
      expect([...losses.values]).toEqual([0, 0, 4000]);
      expect([...dBias.values]).toEqual([-1, 0, 0, 0, 1]);
    });

    it('keeps the gradient of a sure prediction accurate', async () => {
      const values = {
        states: { rows: 1, columns: 1, values: Float32Array.of(1) },
        weight: { rows: 3, columns: 1, values: Float32Array.of(14, 0, 1) },
        bias: { rows: 1, columns: 3, values: new Float32Array(3) },
        targets: Int32Array.of(0),
      };
      const got = await run(backend, values);
      const want = await run(oracle, values);
      for (const name of ['losses', 'dBias', 'dWeight']) expect(relativeDistance(got[name].values, want[name].values), name).toBeLessThan(1e-6);
    });

    it('refuses shapes and targets that do not fit', async () => {
      const fitting = layer(3, 2, 5);
      const row = (columns: number): HostMatrix => ({ rows: 1, columns, values: new Float32Array(columns) });
      await expect(run(backend, { ...fitting, bias: row(4) })).rejects.toThrow('linearSoftmaxCrossEntropy: expected a bias [1, 5], got [1, 4]');
      await expect(run(backend, { ...fitting, weight: { rows: 5, columns: 3, values: new Float32Array(15) } })).rejects.toThrow('got states [3, 2], weight [5, 3]');
      await expect(run(backend, { ...fitting, targets: Int32Array.of(0, 5, 1) })).rejects.toThrow('expected ids in [-1, 5), got 5 at 1');
      await expect(run(backend, { ...fitting, targets: Int32Array.of(0) })).rejects.toThrow('expected a target for each row of states [3, 2], got 1');
    });
  });
});
