import { describe, expect, it } from 'vitest';
import { counted, mebibytes, percent, textTable, threeDigits, times } from './text-table.js';

describe('a table of text', () => {
  it('aligns numbers to the right between its first and last column', () => {
    expect(textTable([['', 'ms', 'executes'], ['simd', '1.5', 'here'], ['a', '100', 'there']])).toBe('       ms  executes\nsimd  1.5  here\na     100  there');
  });

  it('shows three digits', () => {
    expect([0.012345, 4.5678, 789.4, 12345, 0, NaN].map(threeDigits)).toEqual(['0.0123', '4.57', '789', '12300', '0', 'NaN']);
  });

  it('shows how many times as fast, or nothing to compare with', () => {
    expect([times(2.5), times(0.04), times(null)]).toEqual(['2.5x', '0.04x', '-']);
  });

  it('shows shares and memory', () => {
    expect([percent(0.1234), percent(null), mebibytes(3 * 1024 * 1024), mebibytes(null)]).toEqual(['12.3%', '-', '3', '-']);
    expect([counted(1, 'thread'), counted(2, 'thread')]).toEqual(['1 thread', '2 threads']);
  });
});
