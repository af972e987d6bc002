import { referenceBackend, type Backend, type HostMatrix, type Matrix, type Program } from '@bptt/core';
import { randomValues, relativeDistance } from '@bptt/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIMD_BUILDS } from './kernels.js';
import { simdBackend } from './simd-backend.js';

let backend: Backend;
const oracle = referenceBackend({ precision: 'float64' });

function matrix(rows: number, columns: number, seed: number): HostMatrix {
  return { rows, columns, values: Float32Array.from(randomValues(rows * columns, seed, 2)) };
}

interface Step {
  readonly gates: number;
  readonly program: Program;
}

const STEPS: Readonly<Record<'LSTM' | 'GRU', Step>> = {
  LSTM: {
    gates: 4,
    program: {
      key: 'LSTM step',
      trace: (o, _, { matrices: { a, previous, dState, dCell } }): Record<string, Matrix> => {
        const forward = o.lstmGates(a, previous);
        return { ...forward, ...o.lstmGatesBackward({ ...forward, previousCell: previous }, dState, dCell) };
      },
    },
  },
  GRU: {
    gates: 3,
    program: {
      key: 'GRU step',
      trace: (o, _, { matrices: { a, b, previous, dState } }): Record<string, Matrix> => {
        const forward = o.gruGates(a, b, previous);
        return { ...forward, ...o.gruGatesBackward({ gates: forward.gates, recurrent: b, previous }, dState) };
      },
    },
  },
};

/** Operands of either step. */
function operands(N: number, H: number, gates: number): Record<string, HostMatrix> {
  return { a: matrix(N, gates * H, 1), b: matrix(N, gates * H, 2), previous: matrix(N, H, 3), dState: matrix(N, H, 4), dCell: matrix(N, H, 5) };
}

/** Results of a step as copies: the next run writes over those of the backend. */
async function results(program: Program, matrices: Record<string, HostMatrix>): Promise<Record<string, Float32Array>> {
  const outputs = await backend.run(program, { matrices, ids: {} });
  return Object.fromEntries(Object.entries(outputs).map(([name, { values }]) => [name, Float32Array.from(values)]));
}

describe.each(SIMD_BUILDS)('%s', (build) => {
  beforeAll(() => {
    backend = simdBackend({ build });
  });
  afterAll(() => {
    backend.dispose();
  });

  describe.each(Object.entries(STEPS))('%s gates', (_name, { gates, program }) => {
    // 16 rows fill whole cache lines at every width, so that nothing separates a result from the next but what the arena leaves.
    it('are right at every ragged width', async () => {
      for (let H = 1; H <= 13; H += 1) {
        for (const N of [1, 3, 16]) {
          const matrices = operands(N, H, gates);
          const got = await results(program, matrices);
          const want = await oracle.run(program, { matrices, ids: {} });
          for (const [name, { values }] of Object.entries(want)) expect(relativeDistance(got[name], values), `${name}, N ${String(N)} H ${String(H)}`).toBeLessThan(2e-6);
        }
      }
    });

    it('give a row the same bits whatever its place and its neighbours are', async () => {
      const [N, H] = [5, 7];
      const matrices = operands(N, H, gates);
      const last = Object.fromEntries(Object.entries(matrices).map(([name, { columns, values }]) => [name, { rows: 1, columns, values: values.slice((N - 1) * columns) }]));
      const [all, alone] = [await results(program, matrices), await results(program, last)];
      for (const [name, values] of Object.entries(alone)) expect(all[name].slice(-values.length), name).toEqual(values);
    });

    it('hand a NaN in any operand on to its unit and to no other', async () => {
      const [N, H, row, unit] = [3, 6, 1, 4];
      const places = [
        ...Array.from({ length: gates }, (_, gate) => ['a', row * gates * H + gate * H + unit] as const),
        ['previous', row * H + unit] as const,
      ];
      for (const [name, place] of places) {
        const matrices = operands(N, H, gates);
        matrices[name].values[place] = NaN;
        const { state } = await results(program, matrices);
        expect(Array.from(state.keys()).filter((i) => Number.isNaN(state[i])), `${name}[${String(place)}]`).toEqual([row * H + unit]);
      }
    });

    it('send a NaN in the error back through every gate of its unit', async () => {
      const [N, H, row, unit] = [3, 6, 1, 4];
      const matrices = operands(N, H, gates);
      matrices['dState'].values[row * H + unit] = NaN;
      const got = await results(program, matrices);
      const spoilt = (values: Float32Array): number[] => Array.from(values.keys()).filter((i) => Number.isNaN(values[i]));
      for (const name of Object.keys(got).filter((name) => name.startsWith('dP') || name === 'dRecurrent')) {
        const width = got[name].length / N / H;
        expect(spoilt(got[name]), name).toEqual(Array.from({ length: width }, (_, gate) => row * width * H + gate * H + unit));
      }
    });
  });

  describe('gates', () => {
    it('refuse shapes that do not fit', async () => {
      const matrices = { wide: matrix(2, 12, 1), narrow: matrix(2, 9, 2), h: matrix(2, 3, 3), other: matrix(3, 3, 4) };
      const refused: [Program['trace'], string][] = [
        [(o, _, { matrices: { narrow, h } }) => ({ ...o.lstmGates(narrow, h) }), 'lstmGates: expected [2, 12], got [2, 9]'],
        [(o, _, { matrices: { wide, h } }) => ({ ...o.gruGates(wide, wide, h) }), 'gruGates: expected [2, 9], got [2, 12]'],
        [(o, _, { matrices: { wide, h, other } }) => ({ ...o.lstmGatesBackward({ gates: wide, previousCell: h, cell: h }, h, other) }), 'lstmGatesBackward: expected [2, 3], got [3, 3]'],
        [(o, _, { matrices: { narrow, h, other } }) => ({ ...o.gruGatesBackward({ gates: narrow, recurrent: narrow, previous: h }, other) }), 'gruGatesBackward: expected [2, 3], got [3, 3]'],
      ];
      for (const [trace, message] of refused) await expect(backend.run({ key: 'refused', trace }, { matrices, ids: {} })).rejects.toThrow(message);
    });
  });
});
