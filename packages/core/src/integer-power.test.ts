import { expect, test } from 'vitest';
import { integerPower } from './integer-power.js';

test.each([[2, 0], [2, 1], [2, 10], [3, 13], [0.5, 7], [0, 0], [0, 3], [1, 1e9]])('integerPower(%d, %d) is exact where the power is', (base, exponent) => {
  expect(integerPower(base, exponent)).toBe(base ** exponent);
});

test('integerPower is near the power elsewhere, also for many steps', () => {
  for (const exponent of [1, 10, 1000, 12_345]) expect(integerPower(0.999, exponent) / Math.exp(exponent * Math.log(0.999))).toBeCloseTo(1, 10);
  expect(integerPower(0.999, 1_000_000_000)).toBe(0);
});
