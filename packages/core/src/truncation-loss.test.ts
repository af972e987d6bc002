import { describe, expect, it } from 'vitest';
import { caseGradient } from './gradient-check.js';
import { initializeParameters, parameterLayout } from './language-model.js';
import { viewTensor } from './parameters.js';
import { referenceBackend } from './reference-backend.js';
import { frobeniusNorm } from './spectral.js';
import { modelMicroshard, objective, randomMicroshard, smallModel } from './testing/index.js';
import { measureTruncationLoss } from './truncation-loss.js';
import type { Truncation } from './truncation.js';

const backend = referenceBackend({ precision: 'float64' });
const model = smallModel({ hidden: [4, 3] });
const parameters = Float64Array.from(initializeParameters(model, 1), (value) => value * 3);
const batches = [[9, 6], [9, 9, 4]].map((lengths, index) => ({ microshard: randomMicroshard({ vocabulary: 7, lengths, index }) }));
const measure = (truncations: readonly Truncation[]) => measureTruncationLoss({ backend, model, parameters }, batches, truncations);

describe('measureTruncationLoss', () => {
  it('finds no loss in a window or a chunk that holds the whole sequence', async () => {
    for (const { cosine, normRatio, tensors } of await measure([{ kind: 'window', k: 8 }, { kind: 'chunk', k: 9 }, { kind: 'full' }])) {
      for (const comparison of [{ cosine, normRatio }, ...tensors]) for (const value of [comparison.cosine, comparison.normRatio]) expect(value).toBeCloseTo(1, 6);
    }
  });

  it('finds less of the full gradient in a shorter window, and none of it lost in the output layer', async () => {
    const losses = await measure([0, 1, 3].map((k) => ({ kind: 'window', k })));
    expect(losses.map(({ truncation }) => truncation)).toEqual(['window:0', 'window:1', 'window:3']);
    expect(losses[0].cosine).toBeLessThan(0.99);
    expect(losses[1].cosine).toBeGreaterThan(losses[0].cosine);
    expect(losses[2].cosine).toBeGreaterThan(losses[1].cosine);
    for (const { tensors } of losses) {
      const decoder = tensors.filter(({ name }) => name.startsWith('decoder'));
      expect(decoder.length).toBe(2);
      for (const { cosine, normRatio } of decoder) for (const value of [cosine, normRatio]) expect(value).toBeCloseTo(1, 6);
    }
  });

  it('is the angle and the ratio of the gradients themselves', async () => {
    const [{ microshard }] = batches;
    const truncation: Truncation = { kind: 'window', k: 1 };
    const gradient = (of: Truncation): Promise<Float64Array> => caseGradient(backend, { model, objective: objective({ truncation: of }), microshard }, parameters);
    const [truncated, full] = [await gradient(truncation), await gradient({ kind: 'full' })];
    const [loss] = await measureTruncationLoss({ backend, model, parameters }, [{ microshard }], [truncation]);
    const layout = parameterLayout(model);
    const views = (gradients: Float64Array): Float64Array[] => [gradients, ...layout.tensors.map((tensor) => viewTensor(gradients, tensor))];
    const fulls = views(full);
    views(truncated).forEach((a, i) => {
      const [norm, of] = [frobeniusNorm(a), frobeniusNorm(fulls[i])];
      const { cosine, normRatio } = [loss, ...loss.tensors][i];
      expect(normRatio).toBeCloseTo(norm / of, 6);
      expect(cosine).toBeCloseTo(a.reduce((sum, x, j) => sum + x * fulls[i][j], 0) / norm / of, 6);
    });
  });

  it('carries the state from chunk to chunk: the output layer loses nothing', async () => {
    const [{ cosine, tensors }] = await measure([{ kind: 'chunk', k: 4 }]);
    expect(cosine).toBeLessThan(0.999);
    for (const tensor of tensors.filter(({ name }) => name.startsWith('decoder'))) expect(tensor.cosine).toBeCloseTo(1, 6);
  });

  it('refuses a truncation that the model cannot have', async () => {
    const last = smallModel({ head: { kind: 'lastSoftmax', classes: 3 } });
    const measured = { backend, model: last, parameters: Float64Array.from(initializeParameters(last, 1)) };
    await expect(measureTruncationLoss(measured, [{ microshard: modelMicroshard(last, [3]) }], [{ kind: 'chunk', k: 2 }])).rejects.toThrow('got chunk');
  });
});
