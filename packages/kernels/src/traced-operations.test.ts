import { BpttError } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import type { KernelSet } from './kernel-set.js';
import { TracedIds, TracedMatrix, TracedOperations } from './traced-operations.js';

/** Operations whose steps are only named, in order. */
function recording(): { operations: TracedOperations; steps: string[] } {
  const steps: string[] = [];
  const kernels: KernelSet = { call: ({ kernel }) => { steps.push(kernel.name); } };
  return { operations: new TracedOperations(kernels), steps };
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

  it('copies nothing where all rows are taken or one part is stacked', () => {
    const { operations, steps } = recording();
    const a = matrix(3, 2);
    expect(operations.rows(a, 0, 3)).toBe(a);
    expect(operations.stack([a])).toBe(a);
    expect(steps).toEqual([]);
  });

  it('remembers the smallest table that ids name rows of', () => {
    const { operations } = recording();
    const ids = new TracedIds(3, undefined);
    operations.gatherRows(matrix(9, 2), ids);
    operations.scatterAddRows(matrix(3, 2), ids);
    operations.gatherRows(matrix(5, 2), ids);
    expect(ids.limit).toBe(3);
  });

  it('refuses shapes that do not fit, with both shapes', () => {
    const { operations } = recording();
    const refused: [() => unknown, string][] = [
      [() => operations.matMul(matrix(2, 4), matrix(5, 3)), 'matMul: inner sizes 4 and 5 differ (op(a) [2, 4], op(b) [5, 3])'],
      [() => operations.matMul(matrix(2, 4), matrix(4, 3), { addend: matrix(2, 1) }), 'matMul: expected an addend [2, 3] or one row of it, got [2, 1]'],
      [() => operations.add(matrix(2, 4), matrix(3, 4)), 'add: [3, 4] does not fit into [2, 4]'],
      [() => operations.addRow(matrix(2, 4), matrix(2, 4)), 'addRow: [2, 4] is not one row of [2, 4]'],
      [() => operations.scatterAddRows(matrix(2, 4), new TracedIds(3, undefined)), 'scatterAddRows: 3 groups for the rows of [2, 4]'],
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
