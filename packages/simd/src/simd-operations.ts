import {
  assert, shapeText, type Activation, type Ids, type MatMulOptions, type Matrix, type Operations, type OutputGradients, type OutputLayer,
} from '@bptt/core';
import type { Arena } from './arena.js';
import { FLOAT_BYTES, ownIds, ownMatrix, SimdIds, SimdMatrix } from './handles.js';
import type { Kernels } from './kernels.js';
import { outputGradients, outputLosses, type OutputOperands } from './output-layer.js';

/** Checks shapes, allocates results in the arena and calls the kernels. One instance serves one run. */
export class SimdOperations implements Operations {
  readonly #kernels: Kernels;
  readonly #arena: Arena;
  readonly #run: number;

  constructor(kernels: Kernels, arena: Arena, run: number) {
    this.#kernels = kernels;
    this.#arena = arena;
    this.#run = run;
  }

  matMul(a: Matrix, b: Matrix, options: MatMulOptions = {}): Matrix {
    const left = this.#matrix('matMul', a);
    const right = this.#matrix('matMul', b);
    const { transposeA = false, transposeB = false } = options;
    const [m, k] = transposeA ? [left.columns, left.rows] : [left.rows, left.columns];
    const [depth, n] = transposeB ? [right.columns, right.rows] : [right.rows, right.columns];
    const text = (matrix: Matrix, transposed: boolean): string => shapeText(matrix) + (transposed ? ' transposed' : '');
    assert(k === depth, () => `matMul: inner sizes ${String(k)} and ${String(depth)} differ (a ${text(a, transposeA)}, b ${text(b, transposeB)})`);
    const addend = options.addend && this.#matrix('matMul', options.addend);
    assert(addend === undefined || (addend.columns === n && (addend.rows === m || addend.rows === 1)),
      () => `matMul: expected an addend [${String(m)}, ${String(n)}] or [1, ${String(n)}], got ${addend ? shapeText(addend) : 'none'}`);
    const out = this.#allocate(m, n);
    const base = addend?.address ?? 0;
    const baseStride = addend === undefined || addend.rows === 1 ? 0 : addend.stride;
    this.#kernels.matMul(m, n, k, left.address, left.stride, transposeA, right.address, right.stride, transposeB, out.address, out.stride, base, baseStride, true);
    return out;
  }

  add(a: Matrix, b: Matrix): Matrix {
    const left = this.#matrix('add', a);
    const right = this.#matrix('add', b);
    assert(left.columns === right.columns && right.rows <= left.rows, () => `add: expected b of the columns and at most the rows of a, got a ${shapeText(a)}, b ${shapeText(b)}`);
    const out = this.#allocate(left.rows, left.columns);
    this.#kernels.add(left.address, right.address, out.address, right.count);
    const rest = this.#arena.floats(left.address + right.count * FLOAT_BYTES, left.count - right.count);
    this.#arena.floats(out.address, out.count).set(rest, right.count);
    return out;
  }

  addRow(a: Matrix, row: Matrix): Matrix {
    const left = this.#matrix('addRow', a);
    const right = this.#matrix('addRow', row);
    assert(right.rows === 1 && right.columns === left.columns, () => `addRow: expected a row [1, ${String(left.columns)}] for a ${shapeText(a)}, got ${shapeText(row)}`);
    const out = this.#allocate(left.rows, left.columns);
    this.#kernels.addRow(left.address, right.address, left.rows, left.columns, out.address);
    return out;
  }

  sumRows(a: Matrix): Matrix {
    const { address, rows, columns, stride } = this.#matrix('sumRows', a);
    const out = this.#zeros(1, columns);
    this.#kernels.addSumOfRows(address, rows, columns, stride, out.address);
    return out;
  }

  gatherRows(table: Matrix, ids: Ids): Matrix {
    const { address, rows, columns } = this.#matrix('gatherRows', table);
    const indexes = this.#ids('gatherRows', ids, rows);
    const out = this.#allocate(indexes.length, columns);
    this.#kernels.gatherRows(address, columns, indexes.address, indexes.length, out.address);
    return out;
  }

  scatterAddRows(values: Matrix, groups: Ids): Matrix {
    const { address, rows, columns } = this.#matrix('scatterAddRows', values);
    const indexes = this.#ids('scatterAddRows', groups, rows);
    assert(indexes.length === rows, () => `scatterAddRows: expected one group for each row of ${shapeText(values)}, got ${String(indexes.length)}`);
    const out = this.#zeros(rows, columns);
    this.#kernels.scatterAddRows(address, columns, indexes.address, indexes.length, out.address);
    return out;
  }

  stack(parts: readonly Matrix[]): Matrix {
    assert(parts.length > 0, () => 'stack: expected at least one matrix, got none');
    const own = parts.map((part) => this.#matrix('stack', part));
    const { columns } = own[0];
    for (const part of own) assert(part.columns === columns, () => `stack: expected ${String(columns)} columns everywhere, got ${shapeText(part)}`);
    const out = this.#allocate(own.reduce((rows, part) => rows + part.rows, 0), columns);
    const values = this.#arena.floats(out.address, out.count);
    let at = 0;
    for (const part of own) {
      values.set(this.#arena.floats(part.address, part.count), at);
      at += part.count;
    }
    return out;
  }

  rows(a: Matrix, begin: number, end: number): Matrix {
    const { address, rows, columns, stride } = this.#matrix('rows', a);
    assert(begin >= 0 && begin <= end && end <= rows, () => `rows: expected a range within ${String(rows)} rows, got [${String(begin)}, ${String(end)})`);
    return new SimdMatrix({ rows: end - begin, columns }, address + begin * stride, this.#run);
  }

  zeros(rows: number, columns: number): Matrix {
    return this.#zeros(rows, columns);
  }

  activation(f: Activation, a: Matrix): Matrix {
    const x = this.#matrix('activation', a);
    const y = this.#allocate(x.rows, x.columns);
    this.#kernels[f](x.address, y.address, x.count);
    return y;
  }

  activationBackward(f: Activation, y: Matrix, dY: Matrix): Matrix {
    const output = this.#matrix('activationBackward', y);
    const gradient = this.#matrix('activationBackward', dY);
    assert(output.rows === gradient.rows && output.columns === gradient.columns, () => `activationBackward: shapes differ (y ${shapeText(y)}, dY ${shapeText(dY)})`);
    const dX = this.#allocate(output.rows, output.columns);
    this.#kernels[`${f}Backward`](output.address, gradient.address, dX.address, output.count);
    return dX;
  }

  linearSoftmaxCrossEntropy(layer: OutputLayer): OutputGradients {
    const operands = this.#outputOperands('linearSoftmaxCrossEntropy', layer);
    const { states, weight, bias } = operands;
    const gradients = {
      losses: this.#zeros(states.rows, 1),
      dStates: this.#zeros(states.rows, states.columns),
      dWeight: this.#zeros(weight.rows, weight.columns),
      dBias: bias && this.#zeros(1, bias.columns),
    };
    outputGradients(this.#kernels, this.#arena, operands, gradients);
    return gradients;
  }

  linearSoftmaxLoss(layer: OutputLayer): Matrix {
    const operands = this.#outputOperands('linearSoftmaxLoss', layer);
    const losses = this.#zeros(operands.states.rows, 1);
    outputLosses(this.#kernels, this.#arena, operands, losses);
    return losses;
  }

  #outputOperands(operation: string, layer: OutputLayer): OutputOperands {
    const states = this.#matrix(operation, layer.states);
    const weight = this.#matrix(operation, layer.weight);
    const bias = layer.bias && this.#matrix(operation, layer.bias);
    const targets = this.#ids(operation, layer.targets, weight.rows);
    assert(states.columns === weight.columns, () => `${operation}: expected states and weight of equal columns, got states ${shapeText(states)}, weight ${shapeText(weight)}`);
    assert(bias === undefined || (bias.rows === 1 && bias.columns === weight.rows),
      () => `${operation}: expected a bias [1, ${String(weight.rows)}], got ${bias ? shapeText(bias) : 'none'}`);
    assert(targets.length === states.rows, () => `${operation}: expected a target for each row of states ${shapeText(states)}, got ${String(targets.length)}`);
    return { states, weight, bias, targets };
  }

  #matrix(operation: string, matrix: Matrix): SimdMatrix {
    return ownMatrix(operation, matrix, this.#run);
  }

  #ids(operation: string, ids: Ids, limit: number): SimdIds {
    const own = ownIds(operation, ids, this.#run);
    const at = this.#kernels.firstIdOutside(own.address, own.length, limit);
    assert(at === own.length, () => `${operation}: expected ids in [-1, ${String(limit)}), got ${String(this.#arena.integers(own.address, own.length)[at])} at ${String(at)}`);
    return own;
  }

  #allocate(rows: number, columns: number): SimdMatrix {
    return new SimdMatrix({ rows, columns }, this.#arena.allocate(rows * columns * FLOAT_BYTES), this.#run);
  }

  #zeros(rows: number, columns: number): SimdMatrix {
    const out = this.#allocate(rows, columns);
    this.#arena.zero(out.address, out.count * FLOAT_BYTES);
    return out;
  }
}
