import { describe, expect, it } from 'vitest';
import { distributionOf } from './distribution.js';
import { eFoldDistance, fittedDecay, measureGradientFlow } from './gradient-flow.js';
import { initializeParameters, parameterLayout } from './language-model.js';
import type { MeasuredBatch } from './measurement.js';
import { evaluationInputs, trainingInputs } from './microshard-inputs.js';
import { NO_TOKEN } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { flowProgram, inspectionProgram, lossProgram } from './programs.js';
import { referenceBackend } from './reference-backend.js';
import { frobeniusNorm } from './spectral.js';
import { goldenFlowCases } from './testing/golden-flow.js';
import { linearModel, modelMicroshard, objective, randomMicroshard, randomOrthogonalMatrix, randomValues, relativeDistance, smallModel } from './testing/index.js';

const oracle = referenceBackend({ precision: 'float64' });

describe('gradient flow beside torch.autograd', () => {
  for (const { label, model, parameters, batch, layers } of goldenFlowCases()) {
    it(`is the same for every output, lag and layer: ${label}`, async () => {
      oracle.setParameters(parameterLayout(model), parameters);
      const { T, B } = batch.microshard;
      const outputs = await oracle.run(flowProgram(model, batch.microshard, T - 1), evaluationInputs(model, batch.microshard, batch.initialStates));
      layers.forEach(({ hidden, cell }, l) => {
        for (const [part, want] of [hidden, cell].entries()) {
          want?.forEach((rows, lag) => {
            const { columns, values } = outputs[`flow.${String(l)}.${String(part)}.${String(lag)}`];
            const norms = Array.from({ length: (T - lag) * B }, (_, row) => frobeniusNorm(values.subarray(row * columns, (row + 1) * columns)));
            expect(relativeDistance(Float64Array.from(norms), Float64Array.from(rows.flat())), `layer ${String(l)} part ${String(part)} lag ${String(lag)}`).toBeLessThan(1e-11);
          });
        }
      });
    });

    it(`is told as a distribution, in float32 to 1e-5: ${label}`, async () => {
      const measured = { backend: referenceBackend({ precision: 'float32' }), model, parameters: Float32Array.from(parameters) };
      const series = await measureGradientFlow(measured, [{ ...batch, initialStates: Float32Array.from(batch.initialStates) }], { lagMax: batch.microshard.T - 1 });
      for (const { layer, part, lags } of series) {
        const want = part === 'h' ? layers[layer].hidden : layers[layer].cell;
        expect(lags.length).toBe(want?.length);
        want?.forEach((norms, lag) => { expectClose({ ...lags[lag] }, { ...distributionOf(norms.flat()) }, 1e-5); });
      }
    });
  }
});

function expectClose(got: Record<string, number>, want: Record<string, number>, tolerance: number): void {
  expect(Object.keys(got)).toEqual(Object.keys(want));
  for (const [key, value] of Object.entries(want)) expect(Math.abs(got[key] - value), key).toBeLessThanOrEqual(tolerance * Math.abs(value));
}

const CELLS: [string, Partial<ModelConfig>][] = [
  ['tanh', {}], ['relu', { activation: 'relu' }], ['sigmoid', { activation: 'sigmoid' }], ['GRU', { cell: 'gru' }], ['GRU, reset before', { cell: 'gru', resetBefore: true }], ['LSTM', { cell: 'lstm' }],
];

describe('the errors of all lags together', () => {
  for (const [label, changes] of CELLS) {
    it(`are the error that training sends to a state, ${label}, two layers`, async () => {
      const model = smallModel({ ...changes, hidden: [4, 3] });
      const microshard = modelMicroshard(model, [7, 4, 7]);
      oracle.setParameters(parameterLayout(model), Float64Array.from(initializeParameters(model, 1), (value) => value * 3));
      const whole = await oracle.run(inspectionProgram(model, objective(), microshard), trainingInputs({ model, objective: objective(), seed: 1 }, microshard, {}));
      const byLag = await oracle.run(flowProgram(model, microshard, microshard.T - 1), evaluationInputs(model, microshard));
      for (const layer of model.hidden.keys()) {
        const want = whole[`flow.${String(layer)}`].values;
        const sum = new Float64Array(want.length);
        for (let lag = 0; lag < microshard.T; lag += 1) byLag[`flow.${String(layer)}.0.${String(lag)}`].values.forEach((error, i) => { sum[i] += error; });
        expect(frobeniusNorm(want)).toBeGreaterThan(0.1);
        expect(relativeDistance(sum, want)).toBeLessThan(1e-13);
      }
    });
  }
});

describe('the cell of an LSTM', () => {
  it('has as its flow the derivative of an output by c, the way through h of the same moment included', async () => {
    const model = smallModel({ cell: 'lstm', hidden: [3] });
    const parameters = Float64Array.from(initializeParameters(model, 2), (value) => value * 3);
    oracle.setParameters(parameterLayout(model), parameters);
    const microshard = randomMicroshard({ vocabulary: 7, lengths: [2] });
    const errors = (await oracle.run(flowProgram(model, microshard, 1), evaluationInputs(model, microshard)))['flow.0.1.1'].values.slice();
    // The second step alone, begun from the carry after the first, whose c is shifted while its h is what that c makes of it.
    const carry = await oracle.run(inspectionProgram(model, objective(), microshard), trainingInputs({ model, objective: objective(), seed: 1 }, microshard, {}));
    const [h, c] = ['states.0.0', 'states.0.1'].map((name) => Float64Array.from(carry[name].values.subarray(0, 3)));
    const second = { ...microshard, T: 1, inputs: microshard.inputs.subarray(1), targets: microshard.targets.subarray(1) };
    const loss = async (unit: number, shift: number): Promise<number> => {
      const shifted = c.map((value, i) => (i === unit ? value + shift : value));
      const state = h.map((value, i) => value / Math.tanh(c[i]) * Math.tanh(shifted[i]));
      return (await oracle.run(lossProgram(model, second), evaluationInputs(model, second, Float64Array.from([...state, ...shifted])))).losses.values[0];
    };
    for (const unit of [0, 1, 2]) expect(((await loss(unit, 1e-5)) - (await loss(unit, -1e-5))) / 2e-5).toBeCloseTo(errors[unit], 9);
  });
});

describe('closed forms', () => {
  const flowOf = async (W: Float64Array, lagMax = 9) => {
    const { model, parameters, batch } = linearModel(W, { T: 12 });
    const [series] = await measureGradientFlow({ backend: oracle, model, parameters }, [batch], { lagMax });
    return { ...series, model, parameters, batch };
  };

  it('a linear RNN sends back powers of the transposed W', async () => {
    const H = 6;
    const W = randomValues(H * H, 3, 0.5);
    const { lags, model, parameters, batch } = await flowOf(W);
    // dE_t/ds_t is the same for every t here, since all states and targets are.
    let error = await errorAtOutput(model, parameters, batch);
    for (const [lag, { mean, p10, max, count }] of lags.entries()) {
      const norm = frobeniusNorm(error);
      for (const value of [mean, p10, max]) expect(Math.abs(value / norm - 1)).toBeLessThan(1e-12);
      expect(count).toBe(12 - lag);
      error = transposedProduct(W, error);
    }
  });

  it('an orthogonal W lets all through: the flow is 1 at every lag', async () => {
    const { lags, eFold, decay } = await flowOf(randomOrthogonalMatrix(6, 4));
    for (const { median, max } of lags) for (const value of [median, max]) expect(Math.abs(value / lags[0].median - 1)).toBeLessThan(1e-12);
    expect(eFold).toBe(Infinity);
    expect(decay).toBeCloseTo(1, 12);
  });

  it('an identity relu lets all through', async () => {
    const { lags } = await flowOf(Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)));
    expect(lags.length).toBe(10);
    for (const { median, max } of lags) expect([median, max]).toEqual([lags[0].median, lags[0].max]);
  });

  it('half an orthogonal W has an e-fold distance of 1 / ln 2', async () => {
    const { eFold, decay } = await flowOf(randomOrthogonalMatrix(6, 4).map((value) => value / 2));
    expect(eFold).toBeCloseTo(1 / Math.LN2, 10);
    expect(decay).toBeCloseTo(0.5, 10);
  });
});

/** `V^T (softmax(V s) - onehot(y))` at the first output. */
async function errorAtOutput(model: ModelConfig, parameters: Float64Array, { microshard, initialStates }: MeasuredBatch): Promise<Float64Array> {
  oracle.setParameters(parameterLayout(model), parameters);
  const { states } = await oracle.run(lossProgram(model, microshard), evaluationInputs(model, microshard, initialStates));
  const [H] = model.hidden;
  const V = viewTensor(parameters, tensorNamed(parameterLayout(model), 'decoder.weight'));
  const exponentials = Array.from({ length: model.vocabulary }, (_, v) => Math.exp(V.subarray(v * H, (v + 1) * H).reduce((sum, w, i) => sum + w * states.values[i], 0)));
  const total = exponentials.reduce((sum, e) => sum + e, 0);
  const dO = exponentials.map((e, v) => e / total - (v === microshard.targets[0] ? 1 : 0));
  return Float64Array.from({ length: H }, (_, i) => dO.reduce((sum, d, v) => sum + d * V[v * H + i], 0));
}

function transposedProduct(W: Float64Array, x: Float64Array): Float64Array {
  return Float64Array.from(x, (_, j) => x.reduce((sum, value, i) => sum + W[i * x.length + j] * value, 0));
}

describe('what counts', () => {
  const model = smallModel();
  const measured = { backend: oracle, model, parameters: Float64Array.from(initializeParameters(model, 1)) };

  it('are outputs with a target whose sequence reaches back so far, over all batches', async () => {
    const batches = [[5, 2], [3]].map((lengths) => ({ microshard: randomMicroshard({ vocabulary: 7, lengths }) }));
    const [{ lags }] = await measureGradientFlow(measured, batches, { lagMax: 10 });
    expect(lags.map(({ count }) => count)).toEqual([10, 7, 4, 2, 1]);
  });

  it('is the last step alone of a model that predicts there', async () => {
    const last = smallModel({ cell: 'gru', input: 'dense', head: { kind: 'lastSoftmax', classes: 3 } });
    const [{ lags }] = await measureGradientFlow({ backend: oracle, model: last, parameters: Float64Array.from(initializeParameters(last, 1)) },
      [{ microshard: modelMicroshard(last, [6, 3]) }], { lagMax: 4 });
    expect(lags.map(({ count }) => count)).toEqual([2, 2, 2, 1, 1]);
    expect(lags.every(({ p10 }) => p10 > 0)).toBe(true);
  });

  it('is nothing where nothing is predicted', async () => {
    const microshard = randomMicroshard({ vocabulary: 7, lengths: [4] });
    const [{ lags, eFold }] = await measureGradientFlow(measured, [{ microshard: { ...microshard, targets: microshard.targets.fill(NO_TOKEN) } }], { lagMax: 2 });
    expect(lags).toEqual([]);
    expect(eFold).toBeNaN();
  });
});

describe('eFoldDistance', () => {
  it('finds where an exponential has fallen to 1/e, between lags too', () => {
    for (const distance of [0.4, 1, 3.7, 12]) expect(eFoldDistance(Array.from({ length: 20 }, (_, lag) => 5 * Math.exp(-lag / distance)))).toBeCloseTo(distance, 10);
  });

  it('is infinite where the norms do not fall so far, and the first lag of several where they come back', () => {
    expect(eFoldDistance([1, 0.9, 0.8])).toBe(Infinity);
    expect(eFoldDistance([1, 2, 0.1, 3, 0.1])).toBeLessThan(2);
  });

  it('takes a norm of zero as fallen, and tells nothing of norms that begin there', () => {
    expect(eFoldDistance([1, 0.9, 0])).toBe(2);
    expect(eFoldDistance([0, 0])).toBeNaN();
    expect(eFoldDistance([])).toBeNaN();
  });
});

describe('fittedDecay', () => {
  it('is the factor a step, zeros left out', () => {
    expect(fittedDecay([8, 4, 2, 1, 0])).toBeCloseTo(0.5, 12);
    expect(fittedDecay([1, 3, 9])).toBeCloseTo(3, 12);
    expect(fittedDecay([1])).toBeNaN();
  });
});
