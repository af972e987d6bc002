import { initializeParameters, MODEL_DEFAULTS, referenceBackend, viewTensor, parameterLayout, tensorNamed, type ModelConfig } from '@bptt/core';
import { memorySplit } from '@bptt/data';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from './interruption.js';
import { measureModel } from './measurement.js';

const model: ModelConfig = { ...MODEL_DEFAULTS, vocabulary: 6, hidden: [3], activation: 'relu' };
const backend = referenceBackend({ precision: 'float32' });
/** 20 sentences of 3 to 12 tokens. */
const split = memorySplit(Array.from({ length: 20 }, (_, i) => Int32Array.of(0, ...Array.from({ length: 1 + (i % 10) }, (_unused, t) => 2 + ((i + t) % 4)), 1)));

/** Relu units far in their linear range, whose recurrent matrix is `factor` times the identity. */
function scaledIdentity(factor: number): Float32Array {
  const parameters = initializeParameters(model, 1);
  const layout = parameterLayout(model);
  viewTensor(parameters, tensorNamed(layout, 'rnn.weight_hh_l0')).set([factor, 0, 0, 0, factor, 0, 0, 0, factor]);
  viewTensor(parameters, tensorNamed(layout, 'rnn.bias_ih_l0')).fill(10);
  return parameters;
}

describe('measureModel', () => {
  it('finds what can be said without measuring: errors that halve at every step', async () => {
    const { flow, jacobians, spectra, bounds, saturation, lags, sentences, tokens } = await measureModel({ backend, model, parameters: scaledIdentity(0.5) }, split, { lags: 6, jacobianLags: '1,3' });
    // Those of 7 targets and more: 7 to 11, two of each.
    expect({ lags, sentences, tokens }).toEqual({ lags: 6, sentences: 10, tokens: 2 * (7 + 8 + 9 + 10 + 11) });
    expect(flow.map(({ layer, part }) => [layer, part])).toEqual([[0, 'h']]);
    expect(flow[0].lags).toHaveLength(7);
    expect(flow[0].lags.map(({ count }) => count)).toEqual([90, 80, 70, 60, 50, 40, 30]);
    expect(jacobians[0].lags.map(({ lag, aboveOne }) => [lag, aboveOne])).toEqual([[1, 0], [3, 0]]);
    for (const [i, norm] of [0.5, 0.125].entries()) expect(jacobians[0].lags[i].max).toBeCloseTo(norm, 6);
    expect(spectra[0]).toMatchObject({ layer: 0, gate: 's' });
    expect(spectra[0].norm).toBeCloseTo(0.5, 6);
    expect(bounds).toEqual([{ perStep: spectra[0].norm }]);
    expect(saturation).toMatchObject([{ name: 's', f: 'relu', low: 0, dead: 0 }]);
  });

  it('shows Jacobians above 1, and that a short window loses what flows far', async () => {
    const { jacobians, truncations } = await measureModel({ backend, model, parameters: scaledIdentity(1.25) }, split, { truncations: 'window:0,window:3,full' });
    expect(jacobians[0].lags[0]).toMatchObject({ lag: 1, aboveOne: 1 });
    expect(truncations.map(({ truncation }) => truncation)).toEqual(['window:0', 'window:3', 'full']);
    const [none, short, full] = truncations;
    expect(full).toMatchObject({ cosine: expect.closeTo(1, 6) as unknown, normRatio: expect.closeTo(1, 6) as unknown });
    expect(none.cosine).toBeLessThan(short.cosine);
    expect(short.cosine).toBeLessThan(1);
  });

  it('depends on its seed alone', async () => {
    const measured = { backend, model, parameters: initializeParameters(model, 1) };
    const first = await measureModel(measured, split, { sentences: 4, lags: 3 });
    expect(first.sentences).toBe(4);
    expect(await measureModel(measured, split, { sentences: 4, lags: 3 })).toEqual(first);
    expect(await measureModel(measured, split, { sentences: 4, lags: 3, seed: 2 })).not.toEqual(first);
  });

  it('leaves Jacobians out where no moment is asked for, and never sees beyond the longest sentence', async () => {
    const measured = { backend, model, parameters: initializeParameters(model, 1) };
    expect((await measureModel(measured, split, { jacobianSamples: 0 })).jacobians).toEqual([{ layer: 0, of: 'h', lags: [] }]);
    expect((await measureModel(measured, split, { lags: 10 })).sentences).toBe(2);
    await expect(measureModel(measured, split, { lags: 11 })).rejects.toMatchObject({ code: 'invalid-argument', message: 'lags: expected at most 10, as far as the longest sentence of the text reaches, got 11' });
    await expect(measureModel(measured, memorySplit([]))).rejects.toMatchObject({ code: 'invalid-argument', message: 'measure: expected at least one sentence, got none' });
    await expect(measureModel(measured, split, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(InterruptedError);
  });
});
