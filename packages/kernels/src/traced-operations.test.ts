import { BpttError } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import type { KernelSet } from './kernel-set.js';
import { TracedOperations } from './traced-operations.js';
import { TracedIds, TracedMatrix } from './tracer.js';

/** Operations whose steps are only named, in order, with the buffers that each binds, its output among them. */
function recording(): { operations: TracedOperations; steps: string[]; buffers: number[] } {
  const steps: string[] = [];
  const buffers: number[] = [];
  const kernels: KernelSet = {
    call({ kernel, operands }) {
      steps.push(kernel.name);
      buffers.push(1 + operands.filter((operand) => typeof operand !== 'number').length);
    },
  };
  return { operations: new TracedOperations(kernels), steps, buffers };
}

const matrix = (rows: number, columns: number): TracedMatrix => new TracedMatrix(rows, columns, undefined);

describe('TracedOperations', () => {
  it('transposes a matrix once, however many products read it', () => {
    const { operations, steps } = recording();
    const weight = matrix(4, 4);
    for (let t = 0; t < 3; t += 1) operations.matMul(matrix(2, 4), weight, { transposeB: true });
    expect(steps).toEqual(['transpose', 'zeros', 'matMul', 'matMul', 'matMul']);
  });

  it('stacks 32 parts in 11 steps', () => {
    const { operations, steps } = recording();
    expect(operations.stack(Array.from({ length: 32 }, () => matrix(2, 3)))).toMatchObject({ rows: 64, columns: 3 });
    expect(steps).toEqual(Array.from({ length: 11 }, () => 'stackFour'));
  });

  it('puts 5 parts side by side in 2 steps', () => {
    const { operations, steps } = recording();
    expect(operations.beside([1, 2, 3, 4, 5].map((columns) => matrix(2, columns)))).toMatchObject({ rows: 2, columns: 15 });
    expect(steps).toEqual(['besideFour', 'besideFour']);
  });

  it('goes through the gates of a cell in one step for each result, and one for the error of the cell', () => {
    const { operations, steps } = recording();
    const [h, lstm, gru] = [matrix(2, 3), matrix(2, 12), matrix(2, 9)];
    operations.lstmGates(lstm, h);
    operations.lstmGatesBackward({ gates: lstm, previousCell: h, cell: h }, h, h);
    operations.gruGates(gru, gru, h);
    operations.gruGatesBackward({ gates: gru, recurrent: gru, previous: h }, h);
    expect(steps).toEqual([
      'lstmGates', 'lstmCell', 'lstmState', 'lstmCellError', 'lstmGatesBackward', 'lstmPreviousCellError',
      'gruGates', 'gruState', 'gruGatesBackward', 'gruRecurrentBackward', 'gruPreviousError',
    ]);
  });

  it('binds no more than the eight buffers in a step that every WebGPU adapter has', () => {
    const { operations: o, buffers } = recording();
    const [h, lstm, gru, ids] = [matrix(2, 3), matrix(2, 12), matrix(2, 9), new TracedIds(2, undefined)];
    o.stack([h, h, h, h]);
    o.beside([h, h, h, h]);
    o.lstmGates(lstm, h);
    o.lstmGatesBackward({ gates: lstm, previousCell: h, cell: h }, h, h);
    o.gruGates(gru, gru, h);
    o.gruGatesBackward({ gates: gru, recurrent: gru, previous: h }, h);
    o.squaredError(h, h);
    o.jacobianPenalty(h, h, h);
    o.linearSoftmaxCrossEntropy({ states: h, weight: matrix(5, 3), bias: matrix(1, 5), targets: ids });
    expect(Math.max(...buffers)).toBeLessThanOrEqual(8);
  });

  it('copies nothing where all rows or columns are taken or one part is joined', () => {
    const { operations, steps } = recording();
    const a = matrix(3, 2);
    expect(operations.rows(a, 0, 3)).toBe(a);
    expect(operations.columns(a, 0, 2)).toBe(a);
    expect(operations.stack([a])).toBe(a);
    expect(operations.beside([a])).toBe(a);
    expect(steps).toEqual([]);
  });

  it('reads rows of another matrix where they lie, and copies them once where a step cannot', () => {
    const { operations, steps } = recording();
    const a = matrix(9, 3);
    const rows = operations.rows(operations.rows(a, 2, 8), 1, 3);
    expect(rows).toMatchObject({ rows: 2, columns: 3, of: a, begin: 3 });
    operations.matMul(matrix(2, 4), matrix(4, 3), { addend: rows });
    operations.add(matrix(2, 3), rows);
    expect(steps).toEqual(['matMul', 'add']);
    operations.activation('tanh', rows);
    operations.activation('relu', rows);
    expect(steps.slice(2)).toEqual(['copyRows', 'tanhForward', 'reluForward']);
  });

  it('reduces many elements in two steps, few in one', () => {
    const { operations, steps } = recording();
    operations.sumRows(matrix(128, 2));
    expect(steps).toEqual(['sumOfColumn']);
    operations.sumRows(matrix(129, 2));
    expect(steps).toEqual(['sumOfColumn', 'sumOfColumn', 'sumOfColumn']);
  });

  it('remembers the smallest table that ids name rows of', () => {
    const { operations } = recording();
    const ids = new TracedIds(3, undefined);
    operations.gatherRows(matrix(9, 2), ids);
    operations.scatterAddRows(matrix(3, 2), ids);
    operations.gatherRows(matrix(5, 2), ids);
    expect(ids.limit).toBe(3);
    operations.scatterAddRows(matrix(3, 2), ids, 2);
    expect(ids.limit).toBe(2);
  });

  it('refuses shapes that do not fit, with both shapes', () => {
    const { operations } = recording();
    const refused: [() => unknown, string][] = [
      [() => operations.matMul(matrix(2, 4), matrix(5, 3)), 'matMul: inner sizes 4 and 5 differ (op(a) [2, 4], op(b) [5, 3])'],
      [() => operations.matMul(matrix(2, 4), matrix(4, 3), { addend: matrix(2, 1) }), 'matMul: expected an addend [2, 3] or one row of it, got [2, 1]'],
      [() => operations.add(matrix(2, 4), matrix(3, 4)), 'add: [3, 4] does not fit into [2, 4]'],
      [() => operations.addRow(matrix(2, 4), matrix(2, 4)), 'addRow: [2, 4] is not one row of [2, 4]'],
      [() => operations.scatterAddRows(matrix(2, 4), new TracedIds(3, undefined)), 'scatterAddRows: 3 groups for the rows of [2, 4]'],
      [() => operations.subtract(matrix(2, 4), matrix(1, 4)), 'subtract: expected [2, 4], got [1, 4]'],
      [() => operations.multiply(matrix(2, 4), matrix(1, 4)), 'multiply: [1, 4] does not cover [2, 4]'],
      [() => operations.scale(matrix(2, 4), matrix(1, 4)), 'scale: expected [1, 1], got [1, 4]'],
      [() => operations.columns(matrix(2, 4), 3, 5), 'columns: [3, 5) is not a range of columns of [2, 4]'],
      [() => operations.beside([]), 'beside: expected at least one part, got none'],
      [() => operations.beside([matrix(2, 1), matrix(3, 1)]), 'beside: rows of [3, 1] and [2, 1] differ'],
      [() => operations.lstmGates(matrix(2, 9), matrix(2, 3)), 'lstmGates: expected [2, 12], got [2, 9]'],
      [() => operations.gruGates(matrix(2, 9), matrix(2, 12), matrix(2, 3)), 'gruGates: expected [2, 9], got [2, 12]'],
      [() => operations.squaredError(matrix(2, 4), matrix(2, 3)), 'squaredError: expected [2, 4], got [2, 3]'],
      [() => operations.jacobianPenalty(matrix(2, 4), matrix(2, 4), matrix(2, 3)), 'jacobianPenalty: expected [2, 4], got [2, 3]'],
      [() => operations.stack([]), 'stack: expected at least one part, got none'],
      [() => operations.stack([matrix(1, 2), matrix(1, 3)]), 'stack: columns of [1, 3] and [1, 2] differ'],
      [() => operations.rows(matrix(2, 4), 1, 3), 'rows: [1, 3) is not a range of rows of [2, 4]'],
      [() => operations.zeros(0, 4), 'zeros: a kernel needs at least one row and one column, got [0, 4]'],
      [() => operations.activationBackward('tanh', matrix(2, 4), matrix(4, 2)), 'activationBackward: shapes [2, 4] and [4, 2] differ'],
      [() => operations.linearSoftmaxLoss({ states: matrix(2, 4), weight: matrix(5, 4), bias: undefined, targets: new TracedIds(3, undefined) }), 'linearSoftmaxCrossEntropy: 3 targets for states [2, 4]'],
      [() => operations.sumRows({ rows: 1, columns: 1 }), 'a matrix [1, 1] that is not of this plan'],
      [() => operations.gatherRows(matrix(2, 2), { length: 5 }), '5 ids that are not of this plan'],
      [() => operations.gatherRows(matrix((1 << 24) + 1, 2), new TracedIds(1, undefined)), 'ids travel as float32 and name at most 16777216 rows, got 16777217'],
    ];
    for (const [call, message] of refused) expect(call).toThrow(message);
    expect(() => operations.zeros(1 << 15, 1 << 14)).toThrow(BpttError);
  });
});
