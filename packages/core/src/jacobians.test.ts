import { describe, expect, it } from 'vitest';
import { distributionOf } from './distribution.js';
import { measureJacobians, type JacobianSeries } from './jacobians.js';
import { initializeParameters, parameterLayout } from './language-model.js';
import { createMicroshardComputer } from './microshard-computer.js';
import { NO_TOKEN, type Microshard } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import { sgdStep } from './optimizers/sgd.js';
import { stream } from './random.js';
import { jacobianBounds, recurrentSpectra } from './recurrent-spectrum.js';
import { referenceBackend } from './reference-backend.js';
import { multiplySquare, spectralNorm } from './spectral.js';
import { goldenFlowCases, type ByLag } from './testing/golden-flow.js';
import { linearModel, objective, randomMicroshard, randomOrthogonalMatrix, randomValues, smallModel } from './testing/index.js';

const oracle = referenceBackend({ precision: 'float64' });
const ALL = { samples: Infinity, seed: 1 };

describe('Jacobians beside torch.autograd', () => {
  for (const { label, model, parameters, batch, layers } of goldenFlowCases()) {
    it(`have the same largest singular values, one step and many: ${label}`, async () => {
      const series = await measureJacobians({ backend: oracle, model, parameters }, [batch], { lags: [1, 2, 3, 4, 5], ...ALL });
      for (const { layer, of, lags } of series) expectGolden(lags, of === 'h' ? layers[layer].jacobians : layers[layer].carryJacobians, 1e-9);
    });

    it(`have them in float32 to 1e-5: ${label}`, async () => {
      const measured = { backend: referenceBackend({ precision: 'float32' }), model, parameters: Float32Array.from(parameters) };
      const series = await measureJacobians(measured, [{ ...batch, initialStates: Float32Array.from(batch.initialStates) }], { lags: [1, 2, 3, 4, 5], ...ALL });
      expect(series.length).toBe(model.cell === 'lstm' ? 4 : 2);
      for (const { layer, of, lags } of series) expectGolden(lags, of === 'h' ? layers[layer].jacobians : layers[layer].carryJacobians, 1e-5);
    });
  }
});

function expectGolden(lags: JacobianSeries['lags'], golden: ByLag | undefined, tolerance: number): void {
  expect(lags.map(({ lag }) => lag)).toEqual(golden?.map((_, i) => i + 1));
  golden?.forEach((norms, i) => {
    const want: Record<string, number> = { ...distributionOf(norms.flat()), aboveOne: norms.flat().filter((norm) => norm > 1).length / norms.flat().length };
    const got: Record<string, number> = { ...lags[i] };
    for (const [key, value] of Object.entries(want)) expect(Math.abs(got[key] - value), `lag ${String(i + 1)} ${key}`).toBeLessThanOrEqual(tolerance * Math.abs(value));
  });
}

describe('closed forms', () => {
  const normsOf = async (W: Float64Array): Promise<JacobianSeries['lags']> => {
    const { model, parameters, batch } = linearModel(W, { T: 12 });
    const [{ lags }] = await measureJacobians({ backend: oracle, model, parameters }, [batch], { lags: [1, 2, 3, 8], ...ALL });
    return lags;
  };

  it('a linear RNN has the norms of the powers of W', async () => {
    const W = randomValues(36, 3, 0.6);
    let power = W;
    const want = new Map(Array.from({ length: 8 }, (_, i) => {
      if (i > 0) power = multiplySquare(power, W, 6);
      return [i + 1, spectralNorm(power, 6, 6)];
    }));
    for (const { lag, median, max, count } of await normsOf(W)) {
      for (const value of [median, max]) expect(Math.abs(value / (want.get(lag) ?? NaN) - 1)).toBeLessThan(1e-11);
      expect(count).toBe(12 - lag);
    }
  });

  it('an orthogonal W has norm 1 at every lag', async () => {
    for (const { p10, max } of await normsOf(randomOrthogonalMatrix(6, 4))) for (const value of [p10, max]) expect(Math.abs(value - 1)).toBeLessThan(1e-12);
  });

  it('an identity relu has norm 1 at every lag, never more', async () => {
    for (const { p10, max, aboveOne } of await normsOf(Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)))) expect([p10, max, aboveOne]).toEqual([1, 1, 0]);
  });
});

describe('the bounds of Pascanu et al. 2013', () => {
  for (const activation of ['tanh', 'relu', 'sigmoid'] as const) {
    it(`are never passed by what is measured, and reached to within their slack: ${activation}`, async () => {
      const model = smallModel({ activation, hidden: [5, 4] });
      const parameters = Float64Array.from(initializeParameters(model, 1), (value) => value * 3);
      const bounds = jacobianBounds(model, recurrentSpectra(model, parameters));
      const batch = { microshard: randomMicroshard({ vocabulary: 7, lengths: [9, 9, 9] }) };
      const series = await measureJacobians({ backend: oracle, model, parameters }, [batch], { lags: [1, 2, 5], ...ALL });
      for (const { layer, lags } of series) {
        const bound = bounds[layer];
        if (!('perStep' in bound)) throw new Error(bound.absent);
        let power = 1;
        for (let lag = 1; lag <= 5; lag += 1) {
          power *= bound.perStep;
          const measured = lags.find((norms) => norms.lag === lag);
          if (measured !== undefined) expect(measured.max).toBeLessThanOrEqual(power * (1 + 1e-12));
        }
        expect(lags[0].max).toBeGreaterThan(bound.perStep / 5);
      }
    });
  }
});

describe('the claim that a Jacobian has norm at most 1', () => {
  const STEPS = 250;
  /** Random words, each to be said again two steps later: units must hold on to it. */
  const echo = (step: number): Microshard => {
    const [T, B] = [8, 8];
    const random = stream(5, 'echo', step);
    const inputs = Int32Array.from({ length: T * B }, (_, i) => Math.floor(random.uniform(i) * 4));
    const targets = inputs.map((_, row) => (row < 2 * B ? NO_TOKEN : inputs[row - 2 * B]));
    return { index: 0, T, B, inputs, targets, sequences: Int32Array.from({ length: B }, (_, b) => b) };
  };
  const model: ModelConfig = smallModel({ vocabulary: 4, hidden: [12] });
  const claim = async (parameters: Float32Array): Promise<{ aboveOne: number; max: number; norm: number }> => {
    const [{ norm }] = recurrentSpectra(model, parameters);
    const [{ lags: [{ aboveOne, max }] }] = await measureJacobians({ backend: oracle, model, parameters: Float64Array.from(parameters) }, [{ microshard: echo(STEPS) }], { lags: [1], ...ALL });
    return { aboveOne, max, norm };
  };

  it('holds for tanh while W_hh is small, and is false once it has learnt to remember', async () => {
    const computer = createMicroshardComputer({ backend: referenceBackend({ precision: 'float32' }), model, objective: objective(), seed: 1 });
    let parameters = initializeParameters(model, 1, { init: { kind: 'uniform', a: 0.1 } });
    const before = await claim(parameters);
    let loss = Infinity;
    for (let step = 0; step < STEPS; step += 1) {
      computer.setParameters(parameters);
      const { gradient, lossSum, tokens } = await computer.gradient(echo(step));
      if (gradient === undefined) throw new Error('no gradient');
      const next = new Float32Array(parameters.length);
      sgdStep({ layout: parameterLayout(model), parameters, gradient, learningRate: 2 / tokens }, next);
      parameters = next;
      loss = lossSum / tokens;
    }
    const after = await claim(parameters);
    expect(loss).toBeLessThan(0.05);
    expect(before.aboveOne).toBe(0);
    expect(after.aboveOne).toBeGreaterThan(0.5);
    expect(after.max).toBeGreaterThan(2);
    // The other half of the bound, which does hold: gamma is 1 for tanh.
    expect(after.max).toBeLessThanOrEqual(after.norm);
  });
});

describe('the sample', () => {
  const model = smallModel({ cell: 'gru', hidden: [3] });
  const measured = { backend: oracle, model, parameters: Float64Array.from(initializeParameters(model, 1)) };
  const batches = [[6, 3], [2, 5, 5]].map((lengths) => ({ microshard: randomMicroshard({ vocabulary: 7, lengths }) }));
  const measure = (samples: number, seed: number): Promise<JacobianSeries[]> => measureJacobians(measured, batches, { lags: [3, 1, 5, 40], samples, seed });

  it('holds every moment that has one before it when there are no more, by how far its sequence reaches back', async () => {
    const [{ lags }] = await measure(1000, 1);
    expect(lags.map(({ lag, count }) => [lag, count])).toEqual([[1, 5 + 2 + 1 + 4 + 4], [3, 3 + 2 + 2], [5, 1]]);
  });

  it('has the size asked for, the same for a seed, another for another', async () => {
    const [first] = await measure(4, 1);
    expect(first.lags[0].count).toBe(4);
    expect((await measure(4, 1))[0]).toEqual(first);
    expect((await measure(4, 2))[0].lags[0].mean).not.toBe(first.lags[0].mean);
  });

  it('tells nothing of sequences of one word', async () => {
    expect(await measureJacobians(measured, [{ microshard: randomMicroshard({ vocabulary: 7, lengths: [1, 1] }) }], { lags: [1], ...ALL })).toEqual([{ layer: 0, of: 'h', lags: [] }]);
  });

  it('needs lags of one step or more', async () => {
    await expect(measureJacobians(measured, batches, { lags: [1, 0], ...ALL })).rejects.toThrow('expected lags of 1 or more, got 1, 0');
  });
});
