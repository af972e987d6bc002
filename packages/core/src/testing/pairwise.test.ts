import { describe, expect, it } from 'vitest';
import { pairwiseCover } from './pairwise.js';

const dimensions = { a: [0, 1, 2], b: ['x', 'y'], c: [true, false], d: [1, 2, 3], e: [0, 1] } as const;

describe('pairwiseCover', () => {
  it('has every pair of values that occurs in a legal choice, and no illegal choice', () => {
    const isLegal = ({ a, d }: { a: number; d: number }): boolean => a !== d;
    const cover = pairwiseCover({ dimensions, full: ['a', 'b'], isLegal });
    expect(cover.every(isLegal)).toBe(true);
    const names = Object.keys(dimensions) as (keyof typeof dimensions)[];
    for (const one of names) {
      for (const other of names.filter((name) => name > one)) {
        for (const value of dimensions[one]) {
          for (const with_ of dimensions[other]) {
            const occurs = cover.some((choice) => choice[one] === value && choice[other] === with_);
            expect(occurs, `${one} ${String(value)}, ${other} ${String(with_)}`).toBe(!(one === 'a' && other === 'd' && value === with_));
          }
        }
      }
    }
  });

  it('has the full product of the dimensions that are named, with few choices more', () => {
    const cover = pairwiseCover({ dimensions, full: ['a', 'b', 'c'], isLegal: () => true });
    expect(new Set(cover.map(({ a, b, c }) => `${String(a)} ${b} ${String(c)}`)).size).toBe(12);
    expect(cover.length).toBeLessThan(16);
  });
});
