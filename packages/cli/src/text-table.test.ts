import { expect, test } from 'vitest';
import { textTable } from './text-table.js';

test('columns stand below each other, the first to the left', () => {
  expect(textTable([['run', 'steps'], ['a', '5'], ['longer', '12,345']])).toEqual(['run      steps', 'a            5', 'longer  12,345']);
});

test('all rows are indented alike', () => {
  expect(textTable([['lag', 'median'], ['0', '0.5'], ['10', '0.123']], '  ')).toEqual([
    '  lag  median',
    '  0       0.5',
    '  10    0.123',
  ]);
});
