import {
  assert, shapeText, type Activation, type Ids, type MatMulOptions, type Matrix, type Operations, type OutputGradients, type OutputLayer,
} from '@bptt/core';
import { gateOperations } from './gate-operations.js';
import { FLOAT_BYTES, SimdMatrix } from './handles.js';
import type { Kernels } from './kernels.js';
import { Operands, type Engine } from './operands.js';
import { outputGradients, outputLosses, type OutputOperands } from './output-layer.js';

/** Checks shapes, allocates results in the arena and calls the kernels. One instance serves one run. */
export class SimdOperations implements Operations {
  readonly #engine: Engine;
  readonly #kernels: Kernels;
  readonly #operands: Operands;
  readonly lstmGates: Operations['lstmGates'];
  readonly lstmGatesBackward: Operations['lstmGatesBackward'];
  readonly gruGates: Operations['gruGates'];
  readonly gruGatesBackward: Operations['gruGatesBackward'];

  constructor(engine: Engine, run: number) {
    this.#engine = engine;
    this.#kernels = engine.kernels;
    this.#operands = new Operands(engine, run);
    const gates = gateOperations(this.#operands);
    this.lstmGates = gates.lstmGates;
    this.lstmGatesBackward = gates.lstmGatesBackward;
    this.gruGates = gates.gruGates;
    this.gruGatesBackward = gates.gruGatesBackward;
  }

  matMul(a: Matrix, b: Matrix, options: MatMulOptions = {}): Matrix {
    const left = this.#operands.matrix('matMul', a);
    const right = this.#operands.matrix('matMul', b);
    const { transposeA = false, transposeB = false } = options;
    const [m, k] = transposeA ? [left.columns, left.rows] : [left.rows, left.columns];
    const [depth, n] = transposeB ? [right.columns, right.rows] : [right.rows, right.columns];
    const text = (matrix: Matrix, transposed: boolean): string => shapeText(matrix) + (transposed ? ' transposed' : '');
    assert(k === depth, () => `matMul: inner sizes ${String(k)} and ${String(depth)} differ (a ${text(a, transposeA)}, b ${text(b, transposeB)})`);
    const addend = options.addend && this.#operands.matrix('matMul', options.addend);
    assert(addend === undefined || (addend.columns === n && (addend.rows === m || addend.rows === 1)),
      () => `matMul: expected an addend [${String(m)}, ${String(n)}] or [1, ${String(n)}], got ${addend ? shapeText(addend) : 'none'}`);
    const out = this.#operands.allocate(m, n);
    const base = addend && { address: addend.address, stride: addend.rows === 1 ? 0 : addend.stride };
    const { products } = this.#engine;
    const leftOperand = { address: left.address, stride: left.stride, transposed: transposeA };
    const rightOperand = { address: right.address, stride: right.stride, transposed: transposeB, panels: 0 };
    products.multiply({ m, n, k }, leftOperand, right.kept?.prepare({ n, k }, rightOperand) ?? rightOperand, out, base);
    return out;
  }

  add(a: Matrix, b: Matrix): Matrix {
    const left = this.#operands.matrix('add', a);
    const right = this.#operands.matrix('add', b);
    assert(left.columns === right.columns && right.rows <= left.rows, () => `add: expected b of the columns and at most the rows of a, got a ${shapeText(a)}, b ${shapeText(b)}`);
    const out = this.#operands.allocate(left.rows, left.columns);
    this.#kernels.add(left.address, right.address, out.address, right.count);
    const done = right.count * FLOAT_BYTES;
    this.#kernels.copy(left.address + done, left.count * FLOAT_BYTES - done, out.address + done);
    return out;
  }

  subtract(a: Matrix, b: Matrix): Matrix {
    const [left, right] = this.#operands.matrices('subtract', a, a, b);
    const out = this.#operands.allocate(left.rows, left.columns);
    this.#kernels.subtract(left.address, right.address, out.address, left.count);
    return out;
  }

  multiply(a: Matrix, b: Matrix): Matrix {
    const left = this.#operands.matrix('multiply', a);
    const right = this.#operands.matrix('multiply', b);
    assert(left.columns === right.columns && right.rows >= left.rows,
      () => `multiply: expected b of the columns and at least the rows of a, got a ${shapeText(a)}, b ${shapeText(b)}`);
    const out = this.#operands.allocate(left.rows, left.columns);
    this.#kernels.multiply(left.address, right.address, out.address, left.count);
    return out;
  }

  scale(a: Matrix, factor: Matrix): Matrix {
    const { address, rows, columns, count } = this.#operands.matrix('scale', a);
    const [by] = this.#operands.matrices('scale', { rows: 1, columns: 1 }, factor);
    const out = this.#operands.allocate(rows, columns);
    this.#kernels.scale(address, by.address, out.address, count);
    return out;
  }

  addRow(a: Matrix, row: Matrix): Matrix {
    const left = this.#operands.matrix('addRow', a);
    const right = this.#operands.matrix('addRow', row);
    assert(right.rows === 1 && right.columns === left.columns, () => `addRow: expected a row [1, ${String(left.columns)}] for a ${shapeText(a)}, got ${shapeText(row)}`);
    const out = this.#operands.allocate(left.rows, left.columns);
    this.#kernels.addRow(left.address, right.address, left.rows, left.columns, out.address);
    return out;
  }

  sumRows(a: Matrix): Matrix {
    const { address, rows, columns, stride } = this.#operands.matrix('sumRows', a);
    const out = this.#operands.zeros(1, columns);
    const mark = this.#operands.arena.mark();
    this.#kernels.addSumOfRows(address, rows, columns, stride, out.address, this.#operands.arena.allocate(columns * Float64Array.BYTES_PER_ELEMENT));
    this.#operands.arena.release(mark);
    return out;
  }

  gatherRows(table: Matrix, ids: Ids): Matrix {
    const { address, rows, columns } = this.#operands.matrix('gatherRows', table);
    const indexes = this.#operands.ids('gatherRows', ids, rows);
    const out = this.#operands.allocate(indexes.length, columns);
    this.#kernels.gatherRows(address, columns, indexes.address, indexes.length, out.address);
    return out;
  }

  scatterAddRows(values: Matrix, groups: Ids, rows = values.rows): Matrix {
    const { address, columns } = this.#operands.matrix('scatterAddRows', values);
    const indexes = this.#operands.ids('scatterAddRows', groups, rows);
    assert(indexes.length === values.rows, () => `scatterAddRows: expected one group for each row of ${shapeText(values)}, got ${String(indexes.length)}`);
    const out = this.#operands.zeros(rows, columns);
    this.#kernels.scatterAddRows(address, columns, indexes.address, indexes.length, out.address);
    return out;
  }

  stack(parts: readonly Matrix[]): Matrix {
    assert(parts.length > 0, () => 'stack: expected at least one matrix, got none');
    const own = parts.map((part) => this.#operands.matrix('stack', part));
    const { columns } = own[0];
    for (const part of own) assert(part.columns === columns, () => `stack: expected ${String(columns)} columns everywhere, got ${shapeText(part)}`);
    const out = this.#operands.allocate(own.reduce((rows, part) => rows + part.rows, 0), columns);
    let { address } = out;
    for (const part of own) {
      this.#kernels.copy(part.address, part.count * FLOAT_BYTES, address);
      address += part.count * FLOAT_BYTES;
    }
    return out;
  }

  rows(a: Matrix, begin: number, end: number): Matrix {
    const { address, rows, columns, stride } = this.#operands.matrix('rows', a);
    assert(begin >= 0 && begin <= end && end <= rows, () => `rows: expected a range within ${String(rows)} rows, got [${String(begin)}, ${String(end)})`);
    return new SimdMatrix({ rows: end - begin, columns }, address + begin * stride, this.#operands.run);
  }

  columns(a: Matrix, begin: number, end: number): Matrix {
    const { address, rows, columns, stride } = this.#operands.matrix('columns', a);
    assert(begin >= 0 && begin <= end && end <= columns, () => `columns: expected a range within ${String(columns)} columns, got [${String(begin)}, ${String(end)})`);
    const out = this.#operands.allocate(rows, end - begin);
    this.#kernels.copyBlock(address + begin * FLOAT_BYTES, stride, rows, out.columns, out.address, out.stride);
    return out;
  }

  beside(parts: readonly Matrix[]): Matrix {
    assert(parts.length > 0, () => 'beside: expected at least one matrix, got none');
    const own = parts.map((part) => this.#operands.matrix('beside', part));
    const { rows } = own[0];
    for (const part of own) assert(part.rows === rows, () => `beside: expected ${String(rows)} rows everywhere, got ${shapeText(part)}`);
    const out = this.#operands.allocate(rows, own.reduce((columns, part) => columns + part.columns, 0));
    let { address } = out;
    for (const part of own) {
      this.#kernels.copyBlock(part.address, part.stride, rows, part.columns, address, out.stride);
      address += part.stride;
    }
    return out;
  }

  zeros(rows: number, columns: number): Matrix {
    return this.#operands.zeros(rows, columns);
  }

  activation(f: Activation, a: Matrix): Matrix {
    const x = this.#operands.matrix('activation', a);
    const y = this.#operands.allocate(x.rows, x.columns);
    this.#kernels[f](x.address, y.address, x.count);
    return y;
  }

  activationBackward(f: Activation, y: Matrix, dY: Matrix): Matrix {
    const output = this.#operands.matrix('activationBackward', y);
    const gradient = this.#operands.matrix('activationBackward', dY);
    assert(output.rows === gradient.rows && output.columns === gradient.columns, () => `activationBackward: shapes differ (y ${shapeText(y)}, dY ${shapeText(dY)})`);
    const dX = this.#operands.allocate(output.rows, output.columns);
    this.#kernels[`${f}Backward`](output.address, gradient.address, dX.address, output.count);
    return dX;
  }

  squaredError(a: Matrix, b: Matrix): { losses: Matrix; dA: Matrix } {
    const [left, right] = this.#operands.matrices('squaredError', a, a, b);
    const { rows, columns } = left;
    const [losses, dA] = [this.#operands.allocate(rows, 1), this.#operands.allocate(rows, columns)];
    this.#kernels.squaredError(left.address, right.address, rows, columns, losses.address, dA.address);
    return { losses, dA };
  }

  jacobianPenalty(e: Matrix, v: Matrix, u: Matrix): { penalties: Matrix; scaled: Matrix } {
    const [error, ofActivation, product] = this.#operands.matrices('jacobianPenalty', e, e, v, u);
    const { rows, columns } = error;
    const [penalties, scaled] = [this.#operands.zeros(rows, 1), this.#operands.zeros(rows, columns)];
    this.#kernels.jacobianPenalty(error.address, ofActivation.address, product.address, rows, columns, penalties.address, scaled.address);
    return { penalties, scaled };
  }

  linearSoftmaxCrossEntropy(layer: OutputLayer): OutputGradients {
    const operands = this.#outputOperands('linearSoftmaxCrossEntropy', layer);
    const { states, weight, bias } = operands;
    const gradients = {
      losses: this.#operands.zeros(states.rows, 1),
      dStates: this.#operands.zeros(states.rows, states.columns),
      dWeight: this.#operands.allocate(weight.rows, weight.columns, weight.takeGradientPlace()),
      dBias: bias && this.#operands.zeros(1, bias.columns),
    };
    outputGradients(this.#engine, operands, gradients);
    return gradients;
  }

  linearSoftmaxLoss(layer: OutputLayer): Matrix {
    const operands = this.#outputOperands('linearSoftmaxLoss', layer);
    const losses = this.#operands.zeros(operands.states.rows, 1);
    outputLosses(this.#engine, operands, losses);
    return losses;
  }

  #outputOperands(operation: string, layer: OutputLayer): OutputOperands {
    const states = this.#operands.matrix(operation, layer.states);
    const weight = this.#operands.matrix(operation, layer.weight);
    const bias = layer.bias && this.#operands.matrix(operation, layer.bias);
    const targets = this.#operands.ids(operation, layer.targets, weight.rows);
    assert(states.columns === weight.columns, () => `${operation}: expected states and weight of equal columns, got states ${shapeText(states)}, weight ${shapeText(weight)}`);
    assert(bias === undefined || (bias.rows === 1 && bias.columns === weight.rows),
      () => `${operation}: expected a bias [1, ${String(weight.rows)}], got ${bias ? shapeText(bias) : 'none'}`);
    assert(targets.length === states.rows, () => `${operation}: expected a target for each row of states ${shapeText(states)}, got ${String(targets.length)}`);
    return { states, weight, bias, targets };
  }
}
