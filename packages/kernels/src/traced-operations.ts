import { assert, BpttError, shapeText, type Activation, type Ids, type Matrix, type MatMulOptions, type Operations, type OutputGradients, type OutputLayer } from '@bptt/core';
import type { KernelOutput } from 'gpu.js';
import type { KernelSet, KernelSource } from './kernel-set.js';
import { reluBackward, reluForward, sigmoidBackward, sigmoidForward, tanhBackward, tanhForward } from './kernels/activation.kernel.js';
import { add, addRow, sumRows } from './kernels/add.kernel.js';
import { matMul, transpose } from './kernels/mat-mul.kernel.js';
import { copyRows, gatherRows, scatterAddRows, stackFour, zeros } from './kernels/rows.kernel.js';
import { crossEntropy, crossEntropyBackward, rowMax, rowSumExp } from './kernels/softmax.kernel.js';

const FORWARD: Readonly<Record<Activation, KernelSource>> = { tanh: tanhForward, relu: reluForward, sigmoid: sigmoidForward };
const BACKWARD: Readonly<Record<Activation, KernelSource>> = { tanh: tanhBackward, relu: reluBackward, sigmoid: sigmoidBackward };

/** Parts that `stackFour` takes: with its output five buffers, within the eight that every WebGPU adapter binds. */
const STACK_PARTS = 4;

/** Largest matrix a plan may hold, in bytes: WebAssembly addresses 4 GiB in all, and adapters bind far less as one buffer. */
export const MATRIX_BYTES_MAX = 1 << 30;

const BYTES_PER_ELEMENT = 4;

/** Ids travel as float32, which counts exactly up to here. */
const IDS_MAX = 1 << 24;

/** A matrix of a plan that is being traced: a shape, and gpu.js' handle for a value that does not exist yet. */
export class TracedMatrix implements Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly handle: KernelOutput;

  constructor(rows: number, columns: number, handle: KernelOutput) {
    this.rows = rows;
    this.columns = columns;
    this.handle = handle;
  }
}

/** Row ids of a plan that is being traced, and what the plan demands of them. */
export class TracedIds implements Ids {
  readonly length: number;
  readonly handle: KernelOutput;
  /** Every id must lie in `[-1, limit)`: a kernel would read another matrix's memory, and nobody would know. */
  limit = IDS_MAX;

  constructor(length: number, handle: KernelOutput) {
    this.length = length;
    this.handle = handle;
  }
}

/** The operations, recording steps instead of computing. They know shapes, never values. */
export class TracedOperations implements Operations {
  readonly #kernels: KernelSet;
  /** Matrices never change, so one transpose serves every product of the plan (W_hh is read at each time step). */
  readonly #transposes = new Map<TracedMatrix, TracedMatrix>();
  #zero: TracedMatrix | undefined;

  constructor(kernels: KernelSet) {
    this.#kernels = kernels;
  }

  matMul(a: Matrix, b: Matrix, options: MatMulOptions = {}): TracedMatrix {
    const left = options.transposeA === true ? this.#transpose(traced(a)) : traced(a);
    const right = options.transposeB === true ? this.#transpose(traced(b)) : traced(b);
    assert(left.columns === right.rows, () => `matMul: inner sizes ${String(left.columns)} and ${String(right.rows)} differ (op(a) ${shapeText(left)}, op(b) ${shapeText(right)})`);
    const { addend = this.#singleZero() } = options;
    const whole = addend.rows === left.rows && addend.columns === right.columns;
    assert(options.addend === undefined || whole || (addend.rows === 1 && addend.columns === right.columns),
      () => `matMul: expected an addend ${shapeText({ rows: left.rows, columns: right.columns })} or one row of it, got ${shapeText(addend)}`);
    return this.#step(matMul, { rows: left.rows, columns: right.columns }, {
      constants: { inner: left.columns },
      operands: [left.handle, right.handle, traced(addend).handle, whole ? 1 : 0, options.addend === undefined ? 0 : 1],
    });
  }

  add(a: Matrix, b: Matrix): TracedMatrix {
    assert(a.columns === b.columns && b.rows <= a.rows, () => `add: ${shapeText(b)} does not fit into ${shapeText(a)}`);
    return this.#step(add, a, { operands: [traced(a).handle, traced(b).handle, b.rows] });
  }

  addRow(a: Matrix, row: Matrix): TracedMatrix {
    assert(row.rows === 1 && row.columns === a.columns, () => `addRow: ${shapeText(row)} is not one row of ${shapeText(a)}`);
    return this.#step(addRow, a, { operands: [traced(a).handle, traced(row).handle] });
  }

  sumRows(a: Matrix): TracedMatrix {
    return this.#step(sumRows, { rows: 1, columns: a.columns }, { constants: { rows: a.rows }, operands: [traced(a).handle] });
  }

  gatherRows(table: Matrix, ids: Ids): TracedMatrix {
    return this.#step(gatherRows, { rows: ids.length, columns: table.columns }, { operands: [traced(table).handle, idsBelow(ids, table.rows).handle] });
  }

  scatterAddRows(values: Matrix, groups: Ids): TracedMatrix {
    assert(values.rows === groups.length, () => `scatterAddRows: ${String(groups.length)} groups for the rows of ${shapeText(values)}`);
    return this.#step(scatterAddRows, values, { constants: { rows: values.rows }, operands: [traced(values).handle, idsBelow(groups, values.rows).handle] });
  }

  stack(parts: readonly Matrix[]): TracedMatrix {
    assert(parts.length > 0, () => 'stack: expected at least one part, got none');
    for (const part of parts) assert(part.columns === parts[0].columns, () => `stack: columns of ${shapeText(part)} and ${shapeText(parts[0])} differ`);
    let level = parts.map(traced);
    while (level.length > 1) {
      const above: TracedMatrix[] = [];
      for (let i = 0; i < level.length; i += STACK_PARTS) above.push(this.#stackFour(level.slice(i, i + STACK_PARTS)));
      level = above;
    }
    return level[0];
  }

  rows(a: Matrix, begin: number, end: number): TracedMatrix {
    assert(0 <= begin && begin < end && end <= a.rows, () => `rows: [${String(begin)}, ${String(end)}) is not a range of rows of ${shapeText(a)}`);
    return begin === 0 && end === a.rows ? traced(a) : this.#copyRows(a, begin, end);
  }

  /** A matrix of its own with the values of `a`. */
  copy(a: Matrix): TracedMatrix {
    return this.#copyRows(a, 0, a.rows);
  }

  zeros(rows: number, columns: number): TracedMatrix {
    return this.#step(zeros, { rows, columns }, { operands: [] });
  }

  activation(f: Activation, a: Matrix): TracedMatrix {
    return this.#step(FORWARD[f], a, { operands: [traced(a).handle] });
  }

  activationBackward(f: Activation, y: Matrix, dY: Matrix): TracedMatrix {
    assert(y.rows === dY.rows && y.columns === dY.columns, () => `activationBackward: shapes ${shapeText(y)} and ${shapeText(dY)} differ`);
    return this.#step(BACKWARD[f], y, { operands: [traced(y).handle, traced(dY).handle] });
  }

  linearSoftmaxCrossEntropy(layer: OutputLayer): OutputGradients {
    const softmax = this.#softmax(layer);
    const dLogits = this.#step(crossEntropyBackward, softmax.logits, { operands: softmax.operands });
    return {
      losses: softmax.losses,
      dStates: this.matMul(dLogits, layer.weight),
      dWeight: this.matMul(dLogits, layer.states, { transposeA: true }),
      dBias: layer.bias === undefined ? undefined : this.sumRows(dLogits),
    };
  }

  linearSoftmaxLoss(layer: OutputLayer): TracedMatrix {
    return this.#softmax(layer).losses;
  }

  /** Logits of the output layer, the loss of every row, and what both kernels of the cross entropy read. */
  #softmax({ states, weight, bias, targets }: OutputLayer): { logits: TracedMatrix; losses: TracedMatrix; operands: KernelOutput[] } {
    assert(targets.length === states.rows, () => `linearSoftmaxCrossEntropy: ${String(targets.length)} targets for states ${shapeText(states)}`);
    const logits = this.matMul(states, weight, { transposeB: true, addend: bias });
    const column = { rows: logits.rows, columns: 1 };
    const constants = { columns: logits.columns };
    const max = this.#step(rowMax, column, { constants, operands: [logits.handle] });
    const sumExp = this.#step(rowSumExp, column, { constants, operands: [logits.handle, max.handle] });
    const operands = [logits.handle, max.handle, sumExp.handle, idsBelow(targets, logits.columns).handle];
    return { logits, losses: this.#step(crossEntropy, column, { operands }), operands };
  }

  #stackFour(parts: readonly TracedMatrix[]): TracedMatrix {
    if (parts.length === 1) return parts[0];
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const handles: KernelOutput[] = [];
    const begins: number[] = [];
    let begin = 0;
    for (let i = 0; i < STACK_PARTS; i += 1) {
      // Missing parts begin below the last row, so that the handle in their seat is never read.
      handles.push(parts[Math.min(i, parts.length - 1)].handle);
      begins.push(begin);
      begin += i < parts.length ? parts[i].rows : 0;
    }
    return this.#step(stackFour, { rows, columns: parts[0].columns }, { operands: [...handles, ...begins.slice(1)] });
  }

  #copyRows(a: Matrix, begin: number, end: number): TracedMatrix {
    return this.#step(copyRows, { rows: end - begin, columns: a.columns }, { operands: [traced(a).handle, begin] });
  }

  #transpose(a: TracedMatrix): TracedMatrix {
    let transposed = this.#transposes.get(a);
    if (transposed === undefined) {
      transposed = this.#step(transpose, { rows: a.columns, columns: a.rows }, { operands: [a.handle] });
      this.#transposes.set(a, transposed);
    }
    return transposed;
  }

  #singleZero(): TracedMatrix {
    this.#zero ??= this.zeros(1, 1);
    return this.#zero;
  }

  #step(kernel: KernelSource, shape: Matrix, { constants = {}, operands }: { constants?: Record<string, number>; operands: readonly KernelOutput[] }): TracedMatrix {
    checkSize(kernel.name, shape);
    const { rows, columns } = shape;
    return new TracedMatrix(rows, columns, this.#kernels.call({ kernel, rows, columns, constants, operands }));
  }
}

function traced(matrix: Matrix): TracedMatrix {
  assert(matrix instanceof TracedMatrix, () => `a matrix ${shapeText(matrix)} that is not of this plan`);
  return matrix;
}

/** The ids of this plan, which from now on must lie below `limit`. */
function idsBelow(ids: Ids, limit: number): TracedIds {
  assert(ids instanceof TracedIds, () => `${String(ids.length)} ids that are not of this plan`);
  assert(limit <= IDS_MAX, () => `ids travel as float32 and name at most ${String(IDS_MAX)} rows, got ${String(limit)}`);
  ids.limit = Math.min(ids.limit, limit);
  return ids;
}

function checkSize(name: string, { rows, columns }: Matrix): void {
  assert(Number.isInteger(rows) && rows > 0 && Number.isInteger(columns) && columns > 0,
    () => `${name}: a kernel needs at least one row and one column, got ${shapeText({ rows, columns })}`);
  const bytes = rows * columns * BYTES_PER_ELEMENT;
  if (bytes > MATRIX_BYTES_MAX) {
    throw new BpttError('resource-exhausted', `${name}: a matrix of the gpu.js backend has at most ${String(MATRIX_BYTES_MAX)} bytes, ${shapeText({ rows, columns })} needs ${String(bytes)}`);
  }
}
