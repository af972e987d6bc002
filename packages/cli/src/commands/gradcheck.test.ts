import { checkGradient, countSequences, countTargets } from '@bptt/core';
import { parseSettings } from '@bptt/trainer/settings';
import { describe, expect, it } from 'vitest';
import { gradcheckSchema } from '../command-settings.js';
import { gradientCaseOf } from './gradcheck.js';

const caseOf = (flags: Record<string, unknown>) => gradientCaseOf(parseSettings(gradcheckSchema, flags));

describe('gradientCaseOf', () => {
  it('has sequences of different lengths, each with at least one word', () => {
    const { microshard } = caseOf({ length: 4, batch: 6 });
    expect(countTargets(microshard)).toBe(4 + 3 + 2 + 1 + 1 + 1);
    expect(countSequences(microshard)).toBe(6);
    expect(caseOf({ length: 4, batch: 6 }).microshard).toEqual(microshard);
    expect(caseOf({ length: 4, batch: 6, seed: 2 }).microshard).not.toEqual(microshard);
  });

  it('knows every input and every head, and passes', async () => {
    for (const flags of [{ input: 'dense', head: 'lastSquaredError', cell: 'lstm' }, { input: 'embedding', head: 'lastSoftmax', cell: 'gru', dropout: 0.3 }, { head: 'adaptive', hidden: '8', cutoffs: '2,5', divValue: 2 }]) {
      expect(await checkGradient(caseOf(flags))).toMatchObject({ passed: true });
    }
  });

  it('refuses what does not go together', () => {
    expect(() => caseOf({ cell: 'lstm', omega: 1 })).toThrow('omega: expected cell rnn');
    expect(() => caseOf({ head: 'lastSoftmax', truncation: 'chunk:3' })).toThrow('truncation: expected full or window:k with head lastSoftmax');
    expect(() => caseOf({ cell: 'gru', init: 'identity' })).toThrow('init: expected cell rnn');
  });
});
