import { assert, shapeText, type Activation, type Ids, type Matrix, type MatMulOptions, type Operations, type OutputGradients, type OutputLayer } from '@bptt/core';
import type { KernelSet, KernelSource } from './kernel-set.js';
import { reluBackward, reluForward, sigmoidBackward, sigmoidForward, tanhBackward, tanhForward } from './kernels/activation.kernel.js';
import { matMul, transpose } from './kernels/mat-mul.kernel.js';
import { add, addRow, multiply, scale, subtract } from './kernels/pointwise.kernel.js';
import { maxOfRow, sumOfColumn, sumOfRow, type ReductionConstants } from './kernels/reduction.kernel.js';
import { jacobianPenalty, jacobianPenaltyBackward, rowLength, squaredError, squaredErrorBackward } from './kernels/row-errors.kernel.js';
import { besideFour, copyColumns, copyRows, gatherRows, scatterAddRows, stackFour, zeros } from './kernels/rows.kernel.js';
import { crossEntropy, crossEntropyBackward, expBelowMax } from './kernels/softmax.kernel.js';
import { gateOperations } from './traced-gates.js';
import { idsBelow, TracedRows, traced, tracedAs, Tracer, type TracedIds, type TracedMatrix } from './tracer.js';

const FORWARD: Readonly<Record<Activation, KernelSource>> = { tanh: tanhForward, relu: reluForward, sigmoid: sigmoidForward };
const BACKWARD: Readonly<Record<Activation, KernelSource>> = { tanh: tanhBackward, relu: reluBackward, sigmoid: sigmoidBackward };

/** Up to so many elements are reduced in one step, more in two. */
const REDUCTION_MAX = 128;

/** Terms that `matMul` adds in one turn of its loop. */
const UNROLLED = 4;

/** Parts that `stackFour` and `besideFour` take: with the output five buffers, within the eight that every WebGPU adapter binds. */
const PARTS_MAX = 4;

/** The operations, recording steps instead of computing. They know shapes, never values. */
export class TracedOperations implements Operations {
  readonly #tracer: Tracer;
  readonly lstmGates: Operations['lstmGates'];
  readonly lstmGatesBackward: Operations['lstmGatesBackward'];
  readonly gruGates: Operations['gruGates'];
  readonly gruGatesBackward: Operations['gruGatesBackward'];
  /** Matrices never change, so one transpose serves every product of the plan (W_hh is read at each time step). */
  readonly #transposes = new Map<TracedMatrix, TracedMatrix>();
  #zero: TracedMatrix | undefined;

  constructor(kernels: KernelSet) {
    this.#tracer = new Tracer(kernels);
    const gates = gateOperations(this.#tracer);
    this.lstmGates = gates.lstmGates;
    this.lstmGatesBackward = gates.lstmGatesBackward;
    this.gruGates = gates.gruGates;
    this.gruGatesBackward = gates.gruGatesBackward;
  }

  matMul(a: Matrix, b: Matrix, options: MatMulOptions = {}): TracedMatrix {
    const left = options.transposeA === true ? this.#transpose(traced(a)) : traced(a);
    const right = options.transposeB === true ? this.#transpose(traced(b)) : traced(b);
    assert(left.columns === right.rows, () => `matMul: inner sizes ${String(left.columns)} and ${String(right.rows)} differ (op(a) ${shapeText(left)}, op(b) ${shapeText(right)})`);
    const { addend = this.#singleZero() } = options;
    const whole = addend.rows === left.rows && addend.columns === right.columns;
    assert(options.addend === undefined || whole || (addend.rows === 1 && addend.columns === right.columns),
      () => `matMul: expected an addend ${shapeText({ rows: left.rows, columns: right.columns })} or one row of it, got ${shapeText(addend)}`);
    return this.#tracer.step(matMul, { rows: left.rows, columns: right.columns }, {
      constants: { whole: left.columns - (left.columns % UNROLLED), rest: left.columns % UNROLLED },
      operands: [left, right, ...whereFrom(addend), whole ? 1 : 0, options.addend === undefined ? 0 : 1],
    });
  }

  add(a: Matrix, b: Matrix): TracedMatrix {
    assert(a.columns === b.columns && b.rows <= a.rows, () => `add: ${shapeText(b)} does not fit into ${shapeText(a)}`);
    return this.#tracer.step(add, a, { operands: [traced(a), ...whereFrom(b), b.rows] });
  }

  subtract(a: Matrix, b: Matrix): TracedMatrix {
    const [right] = tracedAs('subtract', a, b);
    return this.#tracer.step(subtract, a, { operands: [traced(a), right] });
  }

  multiply(a: Matrix, b: Matrix): TracedMatrix {
    assert(a.columns === b.columns && b.rows >= a.rows, () => `multiply: ${shapeText(b)} does not cover ${shapeText(a)}`);
    return this.#tracer.step(multiply, a, { operands: [traced(a), traced(b)] });
  }

  scale(a: Matrix, factor: Matrix): TracedMatrix {
    const [by] = tracedAs('scale', { rows: 1, columns: 1 }, factor);
    return this.#tracer.step(scale, a, { operands: [traced(a), by] });
  }

  addRow(a: Matrix, row: Matrix): TracedMatrix {
    assert(row.rows === 1 && row.columns === a.columns, () => `addRow: ${shapeText(row)} is not one row of ${shapeText(a)}`);
    return this.#tracer.step(addRow, a, { operands: [traced(a), traced(row)] });
  }

  sumRows(a: Matrix): TracedMatrix {
    return this.#reduce(a.rows, traced(a), (part, constants) => this.#tracer.step(sumOfColumn, { rows: constants.parts, columns: a.columns }, { constants: { ...constants }, operands: [part] }));
  }

  gatherRows(table: Matrix, ids: Ids): TracedMatrix {
    return this.#tracer.step(gatherRows, { rows: ids.length, columns: table.columns }, { operands: [traced(table), idsBelow(ids, table.rows)] });
  }

  scatterAddRows(values: Matrix, groups: Ids, rows = values.rows): TracedMatrix {
    assert(values.rows === groups.length, () => `scatterAddRows: ${String(groups.length)} groups for the rows of ${shapeText(values)}`);
    return this.#tracer.step(scatterAddRows, { rows, columns: values.columns }, { constants: { rows: values.rows }, operands: [traced(values), idsBelow(groups, rows)] });
  }

  stack(parts: readonly Matrix[]): TracedMatrix {
    assert(parts.length > 0, () => 'stack: expected at least one part, got none');
    for (const part of parts) assert(part.columns === parts[0].columns, () => `stack: columns of ${shapeText(part)} and ${shapeText(parts[0])} differ`);
    return this.#join(parts, (four) => this.#tracer.step(stackFour, { rows: sum(four.map(({ rows }) => rows)), columns: parts[0].columns }, { operands: joined(four, 'rows') }));
  }

  beside(parts: readonly Matrix[]): TracedMatrix {
    assert(parts.length > 0, () => 'beside: expected at least one part, got none');
    for (const part of parts) assert(part.rows === parts[0].rows, () => `beside: rows of ${shapeText(part)} and ${shapeText(parts[0])} differ`);
    return this.#join(parts, (four) => this.#tracer.step(besideFour, { rows: parts[0].rows, columns: sum(four.map(({ columns }) => columns)) }, { operands: joined(four, 'columns') }));
  }

  rows(a: Matrix, begin: number, end: number): TracedMatrix {
    assert(0 <= begin && begin < end && end <= a.rows, () => `rows: [${String(begin)}, ${String(end)}) is not a range of rows of ${shapeText(a)}`);
    if (begin === 0 && end === a.rows) return traced(a);
    const [of, first] = whereFrom(a);
    return new TracedRows(of, { begin: first + begin, rows: end - begin }, (rows) => this.copy(rows));
  }

  columns(a: Matrix, begin: number, end: number): TracedMatrix {
    assert(0 <= begin && begin < end && end <= a.columns, () => `columns: [${String(begin)}, ${String(end)}) is not a range of columns of ${shapeText(a)}`);
    return begin === 0 && end === a.columns ? traced(a) : this.#tracer.step(copyColumns, { rows: a.rows, columns: end - begin }, { operands: [traced(a), begin] });
  }

  /** A matrix of its own with the values of `a`. */
  copy(a: Matrix): TracedMatrix {
    return this.#tracer.step(copyRows, a, { operands: whereFrom(a) });
  }

  zeros(rows: number, columns: number): TracedMatrix {
    return this.#tracer.step(zeros, { rows, columns }, { operands: [] });
  }

  activation(f: Activation, a: Matrix): TracedMatrix {
    return this.#tracer.step(FORWARD[f], a, { operands: [traced(a)] });
  }

  activationBackward(f: Activation, y: Matrix, dY: Matrix): TracedMatrix {
    assert(y.rows === dY.rows && y.columns === dY.columns, () => `activationBackward: shapes ${shapeText(y)} and ${shapeText(dY)} differ`);
    return this.#tracer.step(BACKWARD[f], y, { operands: [traced(y), traced(dY)] });
  }

  squaredError(a: Matrix, b: Matrix): { losses: TracedMatrix; dA: TracedMatrix } {
    const inputs = { constants: { columns: a.columns }, operands: [traced(a), ...tracedAs('squaredError', a, b)] };
    return {
      losses: this.#tracer.step(squaredError, { rows: a.rows, columns: 1 }, inputs),
      dA: this.#tracer.step(squaredErrorBackward, a, inputs),
    };
  }

  jacobianPenalty(e: Matrix, v: Matrix, u: Matrix): { penalties: TracedMatrix; scaled: TracedMatrix } {
    const [error, ofActivation, product] = tracedAs('jacobianPenalty', e, e, v, u);
    const column = { rows: e.rows, columns: 1 };
    const length = (a: TracedMatrix): TracedMatrix => this.#tracer.step(rowLength, column, { constants: { columns: a.columns }, operands: [a] });
    const lengths = [length(error), length(product)];
    return {
      penalties: this.#tracer.step(jacobianPenalty, column, { operands: lengths }),
      scaled: this.#tracer.step(jacobianPenaltyBackward, e, { operands: [ofActivation, ...lengths] }),
    };
  }

  linearSoftmaxCrossEntropy(layer: OutputLayer): OutputGradients {
    const { losses, powers, sumExp, targets } = this.#softmax(layer);
    const dLogits = this.#tracer.step(crossEntropyBackward, powers, { operands: [powers, sumExp, targets] });
    return {
      losses,
      dStates: this.matMul(dLogits, layer.weight),
      dWeight: this.matMul(dLogits, layer.states, { transposeA: true }),
      dBias: layer.bias === undefined ? undefined : this.sumRows(dLogits),
    };
  }

  linearSoftmaxLoss(layer: OutputLayer): TracedMatrix {
    return this.#softmax(layer).losses;
  }

  /** Loss of every row of the output layer, and `softmax(o)` as `powers` by `sumExp`. */
  #softmax({ states, weight, bias, targets }: OutputLayer): { losses: TracedMatrix; powers: TracedMatrix; sumExp: TracedMatrix; targets: TracedIds } {
    assert(targets.length === states.rows, () => `linearSoftmaxCrossEntropy: ${String(targets.length)} targets for states ${shapeText(states)}`);
    const logits = this.matMul(states, weight, { transposeB: true, addend: bias });
    const ids = idsBelow(targets, logits.columns);
    const max = this.#reduceRows(maxOfRow, logits);
    const powers = this.#tracer.step(expBelowMax, logits, { operands: [logits, max] });
    const sumExp = this.#reduceRows(sumOfRow, powers);
    const losses = this.#tracer.step(crossEntropy, { rows: logits.rows, columns: 1 }, { operands: [logits, max, sumExp, ids] });
    return { losses, powers, sumExp, targets: ids };
  }

  /** Every row to one number. */
  #reduceRows(kernel: KernelSource, a: TracedMatrix): TracedMatrix {
    return this.#reduce(a.columns, a, (part, constants) => this.#tracer.step(kernel, { rows: a.rows, columns: constants.parts }, { constants: { ...constants }, operands: [part] }));
  }

  /** A reduction of `length` elements: of many in two steps over the square root of so many each, since the threads of one step would be few, and each at work for long. */
  #reduce(length: number, a: TracedMatrix, step: (a: TracedMatrix, constants: ReductionConstants) => TracedMatrix): TracedMatrix {
    const inParts = (elements: number, parts: number): ReductionConstants => ({ parts, whole: Math.floor(elements / parts), rest: elements % parts });
    if (length <= REDUCTION_MAX) return step(a, inParts(length, 1));
    const parts = Math.ceil(Math.sqrt(length));
    return step(step(a, inParts(length, parts)), inParts(parts, 1));
  }

  /** Joins up to four neighbours at a time, in a tree, until one matrix is left. */
  #join(parts: readonly Matrix[], joinFour: (parts: readonly TracedMatrix[]) => TracedMatrix): TracedMatrix {
    let level = parts.map(traced);
    while (level.length > 1) {
      const above: TracedMatrix[] = [];
      for (let i = 0; i < level.length; i += PARTS_MAX) {
        const four = level.slice(i, i + PARTS_MAX);
        above.push(four.length === 1 ? four[0] : joinFour(four));
      }
      level = above;
    }
    return level[0];
  }

  #transpose(a: TracedMatrix): TracedMatrix {
    let transposed = this.#transposes.get(a);
    if (transposed === undefined) {
      transposed = this.#tracer.step(transpose, { rows: a.columns, columns: a.rows }, { operands: [a] });
      this.#transposes.set(a, transposed);
    }
    return transposed;
  }

  #singleZero(): TracedMatrix {
    this.#zero ??= this.zeros(1, 1);
    return this.#zero;
  }
}

/** Operands of `stackFour` or `besideFour`: four parts, and where the last three begin. */
function joined(parts: readonly TracedMatrix[], along: 'rows' | 'columns'): (TracedMatrix | number)[] {
  const seats = Array.from({ length: PARTS_MAX }, (_, i) => parts[Math.min(i, parts.length - 1)]);
  // Missing parts begin past the end, so that the handle in their seat is never read.
  const begins = Array.from({ length: PARTS_MAX - 1 }, (_, i) => sum(parts.slice(0, i + 1).map((part) => part[along])));
  return [...seats, ...begins];
}

/** What a kernel reads that takes rows of another matrix where they lie: that matrix, and where they begin. */
function whereFrom(a: Matrix): [TracedMatrix, number] {
  const matrix = traced(a);
  return matrix instanceof TracedRows ? [matrix.of, matrix.begin] : [matrix, 0];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
