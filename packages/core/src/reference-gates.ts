import type { Matrix, Operations } from './backend.js';
import { assert } from './errors.js';
import { rowOf, shapeText, type HostMatrix } from './shape.js';
import { frobeniusNorm } from './spectral.js';

/** Makes a matrix of zeros in the precision of a reference backend. */
export type Make = (rows: number, columns: number) => HostMatrix;

/** In the reference backends a handle is the matrix itself. */
export const host = (matrix: Matrix): HostMatrix => matrix as HostMatrix;

export const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

/** The gates of LSTM and GRU, unit by unit. */
export function gateOperations(make: Make): Pick<Operations, 'lstmGates' | 'lstmGatesBackward' | 'gruGates' | 'gruGatesBackward'> {
  return { ...lstmOperations(make), ...gruOperations(make) };
}

function lstmOperations(make: Make): Pick<Operations, 'lstmGates' | 'lstmGatesBackward'> {
  return {
    lstmGates(preActivations, previousCell) {
      const { rows: N, columns: H } = previousCell;
      fits('lstmGates', preActivations, { rows: N, columns: 4 * H });
      const [a, previous] = [host(preActivations).values, host(previousCell).values];
      const [state, cell, gates] = [make(N, H), make(N, H), make(N, 4 * H)];
      forEachUnit(N, H, (at, unit, n) => {
        const gate = (k: number): number => n * 4 * H + k * H + unit;
        const [i, f, g, o] = [sigmoid(a[gate(0)]), sigmoid(a[gate(1)]), Math.tanh(a[gate(2)]), sigmoid(a[gate(3)])];
        [i, f, g, o].forEach((value, k) => { gates.values[gate(k)] = value; });
        const c = f * previous[at] + i * g;
        cell.values[at] = c;
        state.values[at] = o * Math.tanh(c);
      });
      return { state, cell, gates };
    },
    lstmGatesBackward({ gates, previousCell, cell }, dState, dCell) {
      const { rows: N, columns: H } = previousCell;
      fits('lstmGatesBackward', gates, { rows: N, columns: 4 * H });
      for (const matrix of [cell, dState, dCell]) fits('lstmGatesBackward', matrix, previousCell);
      const [values, previous, c, dH, dC] = [gates, previousCell, cell, dState, dCell].map((matrix) => host(matrix).values);
      const [dPreActivations, dPreviousCell] = [make(N, 4 * H), make(N, H)];
      forEachUnit(N, H, (at, unit, n) => {
        const gate = (k: number): number => n * 4 * H + k * H + unit;
        const [i, f, g, o] = [values[gate(0)], values[gate(1)], values[gate(2)], values[gate(3)]];
        const squashed = Math.tanh(c[at]);
        const d = dC[at] + dH[at] * o * (1 - squashed * squashed);
        dPreActivations.values[gate(0)] = d * g * i * (1 - i);
        dPreActivations.values[gate(1)] = d * previous[at] * f * (1 - f);
        dPreActivations.values[gate(2)] = d * i * (1 - g * g);
        dPreActivations.values[gate(3)] = dH[at] * squashed * o * (1 - o);
        dPreviousCell.values[at] = d * f;
      });
      return { dPreActivations, dPreviousCell };
    },
  };
}

function gruOperations(make: Make): Pick<Operations, 'gruGates' | 'gruGatesBackward'> {
  return {
    gruGates(projected, recurrent, previous) {
      const { rows: N, columns: H } = previous;
      for (const matrix of [projected, recurrent]) fits('gruGates', matrix, { rows: N, columns: 3 * H });
      const [a, b, h] = [projected, recurrent, previous].map((matrix) => host(matrix).values);
      const [state, gates] = [make(N, H), make(N, 3 * H)];
      forEachUnit(N, H, (at, unit, row) => {
        const gate = (k: number): number => row * 3 * H + k * H + unit;
        const r = sigmoid(a[gate(0)] + b[gate(0)]);
        const z = sigmoid(a[gate(1)] + b[gate(1)]);
        const n = Math.tanh(a[gate(2)] + r * b[gate(2)]);
        [r, z, n].forEach((value, k) => { gates.values[gate(k)] = value; });
        state.values[at] = n + z * (h[at] - n);
      });
      return { state, gates };
    },
    gruGatesBackward({ gates, recurrent, previous }, dState) {
      const { rows: N, columns: H } = previous;
      for (const matrix of [gates, recurrent]) fits('gruGatesBackward', matrix, { rows: N, columns: 3 * H });
      fits('gruGatesBackward', dState, previous);
      const [values, b, h, d] = [gates, recurrent, previous, dState].map((matrix) => host(matrix).values);
      const [dProjected, dRecurrent, dPrevious] = [make(N, 3 * H), make(N, 3 * H), make(N, H)];
      forEachUnit(N, H, (at, unit, row) => {
        const gate = (k: number): number => row * 3 * H + k * H + unit;
        const [r, z, n] = [values[gate(0)], values[gate(1)], values[gate(2)]];
        const dN = d[at] * (1 - z) * (1 - n * n);
        const dR = dN * b[gate(2)] * r * (1 - r);
        const dZ = d[at] * (h[at] - n) * z * (1 - z);
        [dR, dZ, dN].forEach((value, k) => { dProjected.values[gate(k)] = value; });
        [dR, dZ, dN * r].forEach((value, k) => { dRecurrent.values[gate(k)] = value; });
        dPrevious.values[at] = d[at] * z;
      });
      return { dProjected, dRecurrent, dPrevious };
    },
  };
}

/** Losses that are not a softmax. */
export function errorOperations(make: Make): Pick<Operations, 'squaredError' | 'jacobianPenalty'> {
  return {
    squaredError(a, b) {
      fits('squaredError', b, a);
      const { rows: N, columns: O } = a;
      const [x, y] = [host(a).values, host(b).values];
      const [losses, dA] = [make(N, 1), make(N, O)];
      for (let n = 0; n < N; n += 1) {
        let sum = 0;
        for (let at = n * O; at < (n + 1) * O; at += 1) {
          sum += (x[at] - y[at]) * (x[at] - y[at]);
          dA.values[at] = (2 / O) * (x[at] - y[at]);
        }
        losses.values[n] = sum / O;
      }
      return { losses, dA };
    },
    jacobianPenalty(e, v, u) {
      for (const matrix of [v, u]) fits('jacobianPenalty', matrix, e);
      const { rows: N, columns: H } = e;
      const [penalties, scaled] = [make(N, 1), make(N, H)];
      for (let n = 0; n < N; n += 1) {
        const row = (matrix: Matrix) => rowOf(host(matrix), n);
        const [lengthE, lengthU] = [frobeniusNorm(row(e)), frobeniusNorm(row(u))];
        if (lengthE === 0) continue;
        const excess = lengthU / lengthE - 1;
        penalties.values[n] = excess * excess;
        if (lengthU === 0) continue;
        const factor = (2 * excess) / (lengthE * lengthU);
        row(v).forEach((value, unit) => { scaled.values[n * H + unit] = factor * value; });
      }
      return { penalties, scaled };
    },
  };
}

/** Calls `visit` with the place of every unit in a matrix `[N, H]`, the unit and its row. */
function forEachUnit(N: number, H: number, visit: (at: number, unit: number, row: number) => void): void {
  for (let row = 0; row < N; row += 1) for (let unit = 0; unit < H; unit += 1) visit(row * H + unit, unit, row);
}

function fits(operation: string, matrix: Matrix, expected: Matrix): void {
  assert(matrix.rows === expected.rows && matrix.columns === expected.columns, () => `${operation}: expected ${shapeText(expected)}, got ${shapeText(matrix)}`);
}
