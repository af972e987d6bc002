import { describe, expect, it } from 'vitest';
import { awakeClock } from './awake-clock.js';

describe('a clock of the time awake', () => {
  it('goes on while it is looked at, and counts a second at most of any longer gap', () => {
    let ms = 1_000;
    const clock = awakeClock(() => ms);
    expect(clock()).toBe(0);
    ms += 100;
    expect(clock()).toBe(100);
    ms += 1_000;
    expect(clock()).toBe(1_100);
    ms += 3_600_000;
    expect(clock()).toBe(2_100);
    ms += 1;
    expect(clock()).toBe(2_101);
  });
});
