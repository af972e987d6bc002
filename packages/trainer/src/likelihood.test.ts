import { describe, expect, it } from 'vitest';
import { countCharacters, likelihoodOf } from './likelihood.js';

describe('likelihoodOf', () => {
  it('gives the usual measures', () => {
    expect(likelihoodOf(20 * Math.LN2, 10, 5)).toEqual({ nats: 20 * Math.LN2, natsPerToken: 2 * Math.LN2, perplexity: expect.closeTo(4, 12) as unknown, bitsPerCharacter: 4 });
    expect(likelihoodOf(1, 1, undefined).bitsPerCharacter).toBeUndefined();
  });
});

describe('countCharacters', () => {
  it('counts code points', () => {
    expect(countCharacters('aé中\u{1f40b}\n')).toBe(5);
  });
});
