import { expect, it } from 'vitest';
import { columns } from './columns.js';

it('lines up the first column to the left and the others to the right', () => {
  expect(columns([['lag', 'median'], ['0', '0.5'], ['10', '0.123']])).toEqual([
    '  lag  median',
    '  0       0.5',
    '  10    0.123',
  ]);
});
