import { describe, expect, it } from 'vitest';
import { differentiatedFunction } from './differentiated-function.js';
import { caseGradient, checkGradient, type GradientCase } from './gradient-check.js';
import { initializeParameters, stateSize } from './language-model.js';
import { referenceBackend } from './reference-backend.js';
import { objective, randomMicroshard, randomValues, relativeDistance, smallModel } from './testing/index.js';
import { formatTruncation, type Truncation } from './truncation.js';

const RAGGED = [9, 6, 9, 1];
const TRUNCATIONS: Truncation[] = [{ kind: 'full' }, { kind: 'window', k: 0 }, { kind: 'window', k: 3 }, { kind: 'window', k: 50 }, { kind: 'chunk', k: 9 }];

function ragged(changes: Partial<GradientCase> = {}): GradientCase {
  const model = changes.model ?? smallModel({ vocabulary: 5, hidden: [3], embedding: 2 });
  return {
    model,
    objective: objective(),
    microshard: randomMicroshard({ vocabulary: model.vocabulary, lengths: RAGGED }),
    initialStates: randomValues(stateSize(model, RAGGED.length), 5),
    ...changes,
  };
}

describe('checkGradient, along random directions', () => {
  for (const truncation of TRUNCATIONS) {
    it(`passes for a larger model, ${formatTruncation(truncation)}`, async () => {
      const model = smallModel({ vocabulary: 50, hidden: [20] });
      const microshard = randomMicroshard({ vocabulary: 50, lengths: [20, 14, 17] });
      const result = await checkGradient(ragged({ model, objective: objective({ truncation }), microshard, initialStates: randomValues(60, 2) }), { directions: 5 });
      expect(result.passed, `${result.where}: ${String(result.largestRelativeError)}`).toBe(true);
      expect(result.compared).toBe(5);
    });
  }
});

describe('a check that can fail', () => {
  it('fails when one element of the gradient is wrong by one part in a thousand', async () => {
    const honest = referenceBackend({ precision: 'float64' });
    const backend = { ...honest, run: async (...call: Parameters<typeof honest.run>) => {
      const outputs = await honest.run(...call);
      outputs['d rnn.weight_hh_l0'].values[4] *= 1.001;
      return outputs;
    } };
    const result = await checkGradient(ragged(), { backend });
    expect(result).toMatchObject({ passed: false, where: 'rnn.weight_hh_l0[4]' });
    expect(result.largestRelativeError).toBeGreaterThan(1e-5);
  });

  it('fails on a NaN', async () => {
    const honest = referenceBackend({ precision: 'float64' });
    const backend = { ...honest, run: async (...call: Parameters<typeof honest.run>) => {
      const outputs = await honest.run(...call);
      outputs['d decoder.bias'].values[0] = NaN;
      return outputs;
    } };
    expect(await checkGradient(ragged(), { backend })).toMatchObject({ passed: false, largestRelativeError: Infinity });
    const directions = await checkGradient(ragged(), { backend, directions: 2 });
    expect(directions).toMatchObject({ passed: false, largestRelativeError: Infinity });
  });

  it('the naive check, which differentiates the whole loss, fails for a window shorter than the sequence', async () => {
    const testCase = ragged({ objective: objective({ truncation: { kind: 'window', k: 2 } }) });
    const parameters = Float64Array.from(initializeParameters(testCase.model, 1), (value) => value * 4);
    const truncated = await caseGradient(referenceBackend({ precision: 'float64' }), testCase, parameters);
    const naive = await differentiatedFunction({ ...testCase, objective: objective() }, parameters);
    const rightFunction = await differentiatedFunction(testCase, parameters);
    const along = async (loss: (p: Float64Array) => Promise<number>): Promise<number> => {
      const step = 1e-5;
      const shifted = (h: number): Float64Array => parameters.map((p, i) => p + h * (i % 3 - 1));
      return ((await loss(shifted(step))) - (await loss(shifted(-step)))) / (2 * step);
    };
    const derivative = truncated.reduce((sum, g, i) => sum + g * (i % 3 - 1), 0);
    expect(Math.abs((await along(rightFunction)) - derivative)).toBeLessThan(1e-8);
    expect(Math.abs((await along(naive)) - derivative)).toBeGreaterThan(1e-3);
    expect(await rightFunction(parameters)).toBeCloseTo(await naive(parameters), 12);
  });
});

describe('truncation', () => {
  const oracle = referenceBackend({ precision: 'float64' });
  const gradientOf = async (truncation: Truncation, microshard = ragged().microshard): Promise<Float64Array> => {
    const testCase = ragged({ objective: objective({ truncation, reduction: 'sentenceSum' }), microshard });
    return caseGradient(oracle, testCase, Float64Array.from(initializeParameters(testCase.model, 1), (value) => value * 4));
  };

  it('window(k) with k of T - 1 or more is full', async () => {
    const full = await gradientOf({ kind: 'full' });
    for (const k of [8, 9, 1000]) expect(relativeDistance(await gradientOf({ kind: 'window', k }), full)).toBeLessThan(1e-14);
    expect(relativeDistance(await gradientOf({ kind: 'window', k: 7 }), full)).toBeGreaterThan(1e-9);
  });

  it('chunk(k) within one chunk is full', async () => {
    expect(await gradientOf({ kind: 'chunk', k: 9 })).toEqual(await gradientOf({ kind: 'full' }));
  });

  it('comes nearer to full with a longer window', async () => {
    const full = await gradientOf({ kind: 'full' });
    const distance = async (k: number): Promise<number> => relativeDistance(await gradientOf({ kind: 'window', k }), full);
    expect(await distance(0)).toBeGreaterThan(0.1);
    expect(await distance(6)).toBeLessThan((await distance(0)) / 10);
  });
});
