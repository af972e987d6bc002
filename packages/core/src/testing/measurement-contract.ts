import { expect, it } from 'vitest';
import type { Backend } from '../backend.js';
import { measureGradientFlow } from '../gradient-flow.js';
import { measureJacobians } from '../jacobians.js';
import { initializeParameters, stateSize } from '../language-model.js';
import type { MeasuredBatch, MeasuredModel } from '../measurement.js';
import type { ModelConfig } from '../model-config.js';
import { referenceBackend } from '../reference-backend.js';
import { measureSaturation } from '../saturation.js';
import { modelMicroshard, randomValues, smallModel } from './fixtures.js';

const WORDS = { vocabulary: 30, input: 'embedding', embedding: 6, hidden: [9, 6] } as const;
const MODELS: readonly [string, ModelConfig][] = [
  ['tanh', smallModel({ ...WORDS, input: 'onehot' })],
  ['relu', smallModel({ ...WORDS, activation: 'relu' })],
  ['GRU', smallModel({ ...WORDS, cell: 'gru' })],
  ['GRU, reset before', smallModel({ ...WORDS, cell: 'gru', resetBefore: true })],
  ['LSTM', smallModel({ ...WORDS, cell: 'lstm' })],
];

/** The part of the backend contract that measures models: gradient flow, Jacobians and saturation, against the float64 reference. */
export function describeMeasurements(backend: Backend, tolerance: number): void {
  for (const [label, model] of MODELS) {
    it(`measures gradient flow, Jacobians and saturation of two layers, ${label}`, async () => {
      const parameters = initializeParameters(model, 1).map((value) => value * 3);
      const batch: MeasuredBatch = { microshard: modelMicroshard(model, [8, 5, 8]), initialStates: Float32Array.from(randomValues(stateSize(model, 3), 4)) };
      const got = await measure({ backend, model, parameters }, batch);
      const want = await measure({ backend: referenceBackend({ precision: 'float64' }), model, parameters: Float64Array.from(parameters) }, batch);
      expect([...got.keys()]).toEqual([...want.keys()]);
      expect(want.size).toBeGreaterThan(100);
      for (const [name, value] of want) expect(Math.abs((got.get(name) ?? NaN) - value), name).toBeLessThanOrEqual(tolerance * Math.abs(value));
    });
  }
}

/** Every number that is measured, by name. */
async function measure(measured: MeasuredModel, batch: MeasuredBatch): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  const note = (prefix: string, values: object): void => {
    for (const [name, value] of Object.entries(values)) if (typeof value === 'number' && Number.isFinite(value)) numbers.set(`${prefix} ${name}`, value);
  };
  for (const { layer, part, lags } of await measureGradientFlow(measured, [batch], { lagMax: 6 })) {
    lags.forEach((distribution, lag) => { note(`flow ${String(layer)} ${part} lag ${String(lag)}`, distribution); });
  }
  for (const { layer, of, lags } of await measureJacobians(measured, [batch], { lags: [1, 2, 5], samples: 6, seed: 1 })) {
    for (const norms of lags) note(`jacobian ${String(layer)} ${of} lag ${String(norms.lag)}`, norms);
  }
  for (const { layer, name, ...shares } of await measureSaturation(measured, [batch])) note(`saturation ${String(layer)} ${name}`, shares);
  return numbers;
}
