import { describe, expect, it } from 'vitest';
import { initializeParameters, parameterLayout } from './language-model.js';
import { createMicroshardComputer, createStepper } from './microshard-computer.js';
import { groupRows, trainingInputs } from './microshard-inputs.js';
import type { Microshard } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { referenceBackend } from './reference-backend.js';
import { modelMicroshard, objective, randomMicroshard, randomValues, smallModel } from './testing/index.js';

const names = (model: ModelConfig): string[] => parameterLayout(model).tensors.map(({ name, shape }) => `${name} ${shape.join('x')}`);

describe('parameterLayout', () => {
  it('uses the names and shapes of PyTorch, a one-hot input matrix transposed', () => {
    expect(names(smallModel({ biases: false }))).toEqual(['rnn.weight_ih_l0 7x5', 'rnn.weight_hh_l0 5x5', 'decoder.weight 7x5']);
    expect(tensorNamed(parameterLayout(smallModel()), 'rnn.weight_ih_l0')).toMatchObject({ rowSparse: true, transposed: true });
    expect(names(smallModel({ input: 'embedding', hidden: [5, 5] }))).toEqual([
      'encoder.weight 7x4', 'rnn.weight_ih_l0 5x4', 'rnn.weight_hh_l0 5x5', 'rnn.bias_ih_l0 5', 'rnn.bias_hh_l0 5',
      'rnn.weight_ih_l1 5x5', 'rnn.weight_hh_l1 5x5', 'rnn.bias_ih_l1 5', 'rnn.bias_hh_l1 5', 'decoder.weight 7x5', 'decoder.bias 7',
    ]);
  });

  it('gives gated cells a block of rows a gate, a tied model one matrix, and layers their own sizes', () => {
    expect(names(smallModel({ cell: 'gru', hidden: [5, 3], biases: false }))).toEqual([
      'rnn.weight_ih_l0 7x15', 'rnn.weight_hh_l0 15x5', 'rnn.weight_ih_l1 9x5', 'rnn.weight_hh_l1 9x3', 'decoder.weight 7x3',
    ]);
    const tied = smallModel({ cell: 'lstm', input: 'embedding', hidden: [4], tied: true });
    expect(names(tied)).toEqual(['encoder.weight 7x4', 'rnn.weight_ih_l0 16x4', 'rnn.weight_hh_l0 16x4', 'rnn.bias_ih_l0 16', 'rnn.bias_hh_l0 16', 'decoder.bias 7']);
    expect(tensorNamed(parameterLayout(tied), 'encoder.weight').rowSparse).toBe(false);
  });

  it('names the matrices of an adaptive softmax as PyTorch does', () => {
    const model = smallModel({ vocabulary: 30, hidden: [16], biases: false, head: { kind: 'adaptive', cutoffs: [5, 20], divValue: 4 } });
    expect(names(model).slice(2)).toEqual([
      'decoder.head.weight 7x16', 'decoder.tail.0.0.weight 4x16', 'decoder.tail.0.1.weight 15x4', 'decoder.tail.1.0.weight 1x16', 'decoder.tail.1.1.weight 10x1',
    ]);
  });
});

describe('initializeParameters', () => {
  it('draws every tensor from U[-1/sqrt(n), 1/sqrt(n)], n the incoming connections', () => {
    const model = smallModel({ vocabulary: 900, hidden: [100] });
    const layout = parameterLayout(model);
    const values = initializeParameters(model, 1);
    const bounds = { 'rnn.weight_ih_l0': 900, 'rnn.bias_ih_l0': 900, 'rnn.weight_hh_l0': 100, 'rnn.bias_hh_l0': 100, 'decoder.weight': 100, 'decoder.bias': 100 };
    for (const [name, n] of Object.entries(bounds)) {
      const largest = viewTensor(values, tensorNamed(layout, name)).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(largest, name).toBeLessThanOrEqual(1 / Math.sqrt(n));
      expect(largest, name).toBeGreaterThan(0.9 / Math.sqrt(n));
    }
  });

  it('depends on the seed and on nothing else', () => {
    expect(initializeParameters(smallModel(), 5)).toEqual(initializeParameters(smallModel(), 5));
    expect(initializeParameters(smallModel(), 5)).not.toEqual(initializeParameters(smallModel(), 6));
  });
});

describe('a microshard', () => {
  const model = smallModel({ input: 'embedding', hidden: [5, 5] });
  const layout = parameterLayout(model);
  const computer = createMicroshardComputer({ backend: referenceBackend({ precision: 'float32' }), model, objective: objective(), seed: 1 });
  computer.setParameters(initializeParameters(model, 2));

  it('has the gradient rows of exactly the words that it reads', async () => {
    const microshard: Microshard = { index: 0, T: 3, B: 1, inputs: Int32Array.of(5, 1, -1), targets: Int32Array.of(1, 2, -1), sequences: Int32Array.of(0) };
    const { gradient, tokens } = await computer.gradient(microshard);
    expect(tokens).toBe(2);
    expect(Array.from(gradient?.sparse[0].rows ?? [])).toEqual([1, 5]);
    expect(gradient?.sparse[0].values.length).toBe(2 * 4);
    expect(gradient?.dense.length).toBe(layout.size - 7 * 4);
  });

  it('does not feel padding: loss and gradient are those of the sequences alone', async () => {
    const alone = await computer.gradient(randomMicroshard({ vocabulary: 7, lengths: [4] }));
    const short = randomMicroshard({ vocabulary: 7, lengths: [4] });
    const padded: Microshard = { index: 0, T: 6, B: 2, inputs: new Int32Array(12).fill(-1), targets: new Int32Array(12).fill(-1), sequences: Int32Array.of(0, -1) };
    for (let t = 0; t < 4; t += 1) {
      padded.inputs[t * 2] = short.inputs[t];
      padded.targets[t * 2] = short.targets[t];
    }
    const withPadding = await computer.gradient(padded);
    expect(withPadding.lossSum).toBe(alone.lossSum);
    expect(withPadding.sequences).toBe(1);
    expect(withPadding.gradient).toEqual(alone.gradient);
  });

  it('carries states: two halves in turn have the losses of the whole', async () => {
    const whole = randomMicroshard({ vocabulary: 7, lengths: [8, 8, 8] });
    const half = (part: number): Microshard => ({ index: 0, T: 4, B: 3, sequences: whole.sequences, inputs: whole.inputs.slice(part * 12, part * 12 + 12), targets: whole.targets.slice(part * 12, part * 12 + 12) });
    const first = await computer.evaluate(half(0));
    const second = await computer.evaluate(half(1), first.finalStates);
    const both = await computer.evaluate(whole);
    expect(first.lossSum + second.lossSum).toBeCloseTo(both.lossSum, 10);
    expect(second.finalStates).toEqual(both.finalStates);
  });

  it('refuses words outside the vocabulary and arrays of the wrong length', async () => {
    const good = randomMicroshard({ vocabulary: 7, lengths: [3] });
    await expect(computer.gradient({ ...good, inputs: Int32Array.of(1, 7, 2) })).rejects.toThrow('word id 7 outside [-1, 7)');
    await expect(computer.gradient({ ...good, T: 4 })).rejects.toThrow('do not fit T 4, B 1');
    await expect(computer.gradient(good, { initialStates: new Float32Array(3) })).rejects.toThrow('states: expected 10 values, got 3');
  });
});

describe('createStepper', () => {
  it('walks word by word to the losses of the whole sequence', async () => {
    const model = smallModel({ hidden: [5, 5] });
    const parameters = initializeParameters(model, 2);
    const backend = referenceBackend({ precision: 'float32' });
    const stepper = createStepper({ backend, model });
    stepper.setParameters(parameters);
    const sequence = randomMicroshard({ vocabulary: 7, lengths: [6] });
    let states = new Float32Array(randomValues(10, 1));
    const initial = states;
    let loss = 0;
    for (let t = 0; t < 6; t += 1) {
      const step = await stepper.step(sequence.inputs.slice(t, t + 1), states);
      states = new Float32Array(step.states);
      const logits = Array.from(step.logits.values);
      loss += Math.log(logits.reduce((sum, o) => sum + Math.exp(o), 0)) - logits[sequence.targets[t]];
    }
    const computer = createMicroshardComputer({ backend, model, objective: objective(), seed: 1 });
    computer.setParameters(parameters);
    const whole = await computer.evaluate(sequence, initial);
    expect(loss).toBeCloseTo(whole.lossSum, 4);
    expect(states).toEqual(whole.finalStates);
  });
});

describe('groupRows', () => {
  it('names the distinct words in ascending order and each position by its word', () => {
    const { rows, groups } = groupRows(Int32Array.of(10, 9, -1, 10, 2));
    expect(Array.from(rows)).toEqual([2, 9, 10]);
    expect(Array.from(groups)).toEqual([2, 1, -1, 2, 0]);
  });

  it('is asked for only where a gradient is row-sparse', () => {
    const inputsOf = (changes: Partial<ModelConfig>) => {
      const model = smallModel({ input: 'embedding', embedding: 5, ...changes });
      return trainingInputs({ model, objective: objective(), seed: 1 }, modelMicroshard(model, [3, 2]), {});
    };
    expect(inputsOf({}).rows.length).toBeGreaterThan(0);
    expect(inputsOf({}).ids['groups']).toHaveLength(6);
    for (const changes of [{ tied: true }, { input: 'dense' }] as const) {
      expect(inputsOf(changes).rows).toHaveLength(0);
      expect(inputsOf(changes).ids).not.toHaveProperty('groups');
    }
  });
});
