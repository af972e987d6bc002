import { describe, expect, it } from 'vitest';
import { initializeParameters, parameterLayout, stateSize } from '../language-model.js';
import { createMicroshardComputer, createStepper } from '../microshard-computer.js';
import { referenceBackend } from '../reference-backend.js';
import { modelMicroshard, objective, smallModel } from '../testing/index.js';
import { tailWidth } from './adaptive-softmax.js';

const model = smallModel({ vocabulary: 30, hidden: [12], head: { kind: 'adaptive', cutoffs: [6, 15], divValue: 2 } });
const parameters = initializeParameters(model, 2).map((value) => value * 5);

describe('adaptive softmax', () => {
  it('gives log-probabilities that sum to one and whose negatives are the losses', async () => {
    const backend = referenceBackend({ precision: 'float64' });
    const stepper = createStepper({ backend, model });
    const computer = createMicroshardComputer({ backend, model, objective: objective(), seed: 1 });
    const sequence = modelMicroshard(model, [40]);
    stepper.setParameters(parameters);
    let states = new Float32Array(stateSize(model, 1));
    let loss = 0;
    for (let t = 0; t < 40; t += 1) {
      const step = await stepper.step(sequence.inputs.slice(t, t + 1), states);
      states = new Float32Array(step.states);
      const logits = Array.from(step.logits.values);
      expect(step.logits).toMatchObject({ rows: 1, columns: 30 });
      const logSum = Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0));
      loss += logSum - logits[sequence.targets[t]];
    }
    computer.setParameters(parameters);
    expect((await computer.evaluate(sequence)).lossSum).toBeCloseTo(loss, 4);
  });

  it('costs nothing but zeros for tails that no target lies in', async () => {
    const computer = createMicroshardComputer({ backend: referenceBackend({ precision: 'float32' }), model, objective: objective(), seed: 1 });
    computer.setParameters(parameters);
    const sequence = modelMicroshard(model, [9]);
    const { gradient } = await computer.gradient({ ...sequence, targets: sequence.targets.map((word) => word % 6) });
    const { tensors } = parameterLayout(model);
    let at = 0;
    for (const tensor of tensors.filter(({ rowSparse }) => !rowSparse)) {
      const values = gradient?.dense.subarray(at, at + tensor.end - tensor.begin);
      at += tensor.end - tensor.begin;
      if (tensor.name.includes('tail')) expect(values?.every((x) => x === 0), tensor.name).toBe(true);
      if (tensor.name.includes('head')) expect(values?.some((x) => x !== 0), tensor.name).toBe(true);
    }
  });

  it('halves the tails as PyTorch does', () => {
    expect([0, 1, 2].map((i) => tailWidth(200, 4, i))).toEqual([50, 12, 3]);
    expect([0, 1].map((i) => tailWidth(3, 1.5, i))).toEqual([2, 1]);
  });
});
