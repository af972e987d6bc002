import { describe, expect, it } from 'vitest';
import { headOf } from './heads/heads.js';
import { cellOf, parameterLayout } from './language-model.js';
import { evaluationInputs } from './microshard-inputs.js';
import { logitsProgram } from './programs.js';
import { referenceBackend } from './reference-backend.js';
import type { FloatArray } from './shape.js';
import { flattenGolden, goldenCases, goldenDistances, goldenMicroshard, goldenNumbers, goldenParameters, GOLDEN_FILES, relativeDistance, type GoldenCase } from './testing/index.js';

const backend = referenceBackend({ precision: 'float64' });
/** Above this a model plainly computes something else; the contract allows 1e-5. */
const DIFFERENT = 1e-3;

const files = GOLDEN_FILES.map((file) => ({ file, cases: goldenCases(file) }));

describe('golden models', () => {
  it.each(files)('of $file have the scores that PyTorch gives every word', async ({ cases }) => {
    for (const golden of cases) {
      const { model } = golden;
      const microshard = goldenMicroshard(golden);
      backend.setParameters(parameterLayout(model), goldenParameters(golden));
      const outputs = await backend.run(logitsProgram(model, microshard), evaluationInputs(model, microshard, goldenNumbers(golden.carry)));
      expect(relativeDistance(logProbabilities(headOf(model).scores(outputs), model.vocabulary), logProbabilities(goldenNumbers(golden.scores), model.vocabulary))).toBeLessThanOrEqual(1e-12);
    }
  });

  it.each([
    { cell: 'rnn', activation: 'tanh', resetBefore: false },
    { cell: 'rnn', activation: 'relu', resetBefore: false },
    { cell: 'gru', activation: 'tanh', resetBefore: false },
    { cell: 'gru', activation: 'tanh', resetBefore: true },
    { cell: 'lstm', activation: 'tanh', resetBefore: false },
  ] as const)('are there for $cell, $activation, resetBefore $resetBefore: 1 to 3 layers, tied and untied, with and without biases', (kind) => {
    const models = files.flatMap(({ cases }) => cases.map(({ model }) => model));
    for (const [layers, tied, biases] of [1, 2, 3].flatMap((n) => [true, false].flatMap((t) => [true, false].map((b) => [n, t, b] as const)))) {
      expect(models).toContainEqual(expect.objectContaining({ ...kind, tied, biases, input: 'embedding', head: { kind: 'softmax' }, hidden: Array.from({ length: layers }, () => 4) }));
    }
  });

  const gated = files.map(({ file, cases }) => ({ file, cases: cases.filter(({ model }) => cellOf(model).gates > 1) })).filter(({ cases }) => cases.length > 0);
  it.each(gated)('of $file with $cases.length models would show it if two gates were in each other\'s place', async ({ cases }) => {
    for (const golden of cases) {
      for (const [a, b] of pairsBelow(cellOf(golden.model).gates)) {
        const distances = await goldenDistances(backend, golden, withGatesSwapped(golden, a, b));
        expect(distances.get('losses'), `gates ${String(a)} and ${String(b)} of ${JSON.stringify(golden.model)}`).toBeGreaterThan(DIFFERENT);
      }
    }
  });
});

/** Every pair `a < b < n`. */
function pairsBelow(n: number): (readonly [number, number])[] {
  return Array.from({ length: n }, (_, b) => Array.from({ length: b }, (_unused, a) => [a, b] as const)).flat();
}

/** The parameters of a case with gates `a` and `b`, each a block of rows, swapped throughout: another order of gates. */
function withGatesSwapped(golden: GoldenCase, a: number, b: number): Float64Array {
  const tensors = Object.entries(golden.parameters).map(([name, tensor]) => {
    if (!name.startsWith('rnn.') || typeof tensor === 'number') return [name, tensor];
    const units = tensor.length / cellOf(golden.model).gates;
    const rows = [...tensor];
    rows.splice(a * units, units, ...tensor.slice(b * units, (b + 1) * units));
    rows.splice(b * units, units, ...tensor.slice(a * units, (a + 1) * units));
    return [name, rows];
  });
  return flattenGolden(parameterLayout(golden.model), Object.fromEntries(tensors) as GoldenCase['parameters']);
}

/** Every row of `scores` `[N, V]`, which may each be off by a constant, as log-probabilities. */
function logProbabilities(scores: FloatArray, V: number): Float64Array {
  const result = Float64Array.from(scores);
  for (let begin = 0; begin < result.length; begin += V) {
    const row = result.subarray(begin, begin + V);
    const constant = Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0));
    row.forEach((score, i) => { row[i] = score - constant; });
  }
  return result;
}
