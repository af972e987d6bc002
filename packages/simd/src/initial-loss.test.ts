import { createMicroshardComputer, initializeParameters, parameterLayout, tensorNamed, viewTensor } from '@bptt/core';
import { objective, randomMicroshard, smallModel } from '@bptt/core/testing';
import { describe, expect, it } from 'vitest';
import { simdBackend } from './simd-backend.js';

describe('the loss before training', () => {
  const model = smallModel({ biases: false, vocabulary: 8000, hidden: [100] });
  const layout = parameterLayout(model);
  const microshard = randomMicroshard({ vocabulary: 8000, lengths: Array.from({ length: 52 }, () => 20) });
  const meanLoss = async (parameters: Float32Array): Promise<number> => {
    const computer = createMicroshardComputer({ backend: simdBackend(), model, objective: objective(), seed: 1 });
    computer.setParameters(parameters);
    const { lossSum, tokens } = await computer.evaluate(microshard);
    expect(tokens).toBeGreaterThanOrEqual(1000);
    return lossSum / tokens;
  };

  it('is ln V to 1e-3 for the tutorial model with V 8000 and H 100', async () => {
    expect(Math.abs((await meanLoss(initializeParameters(model, 10))) - Math.log(8000))).toBeLessThan(1e-3);
  });

  it('is ln V to 1e-6 with zero output weights', async () => {
    const parameters = initializeParameters(model, 10);
    viewTensor(parameters, tensorNamed(layout, 'decoder.weight')).fill(0);
    expect(Math.abs((await meanLoss(parameters)) - Math.log(8000))).toBeLessThan(1e-6);
  });
});
