import type { Evaluation } from '@bptt/trainer';
import { describe, expect, it } from 'vitest';
import { evaluationJson, evaluationLines, lineRow } from './evaluate.js';

const likelihood = (natsPerToken: number, bitsPerCharacter?: number) => ({ nats: natsPerToken * 1000, natsPerToken, perplexity: Math.exp(natsPerToken), bitsPerCharacter });
const evaluation: Evaluation = { tokens: 1000, sentences: 90, unknown: 25, characters: 5000, independent: likelihood(4, 1.154), carried: likelihood(3.9, 1.125) };

describe('an evaluation', () => {
  it('shows both ways to score and what was unknown', () => {
    expect(evaluationLines(evaluation, 'all of x.txt')).toEqual([
      'scored all of x.txt: 90 sentences, 1,000 tokens, 25 of them unknown (2.50%)',
      '5,000 characters',
      'sentences independent: 4.0000 nats/token, perplexity 54.60, 1.1540 bits/character',
      'state carried:         3.9000 nats/token, perplexity 49.40, 1.1250 bits/character',
    ]);
  });

  it('says where bits for each character are not known, null in JSON', () => {
    const uncounted = { ...evaluation, characters: undefined, independent: likelihood(4), carried: likelihood(3.9) };
    expect(evaluationLines(uncounted, 'x').join('\n')).toMatch(/not known.*\n.*54\.60\n.*49\.40$/);
    expect(JSON.parse(evaluationJson(uncounted, 'x', 'ab'))).toMatchObject({
      event: 'evaluation', unknownShare: 0.025, characters: null, independent: { natsPerToken: 4, bitsPerCharacter: null }, carried: { natsPerToken: 3.9 }, parametersSha256: 'ab',
    });
  });
});

describe('lineRow', () => {
  it('is a row with tabs', () => {
    expect(lineRow({ line: 3, nats: 12.34567, tokens: 4, unknown: 1, natsPerToken: 3.08641 })).toBe('3\t12.3457\t4\t1\t3.0864');
  });
});
