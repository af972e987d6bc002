import { describe, expect, it } from 'vitest';
import { locateNonFinite } from './explosion.js';
import { initializeParameters, parameterLayout } from './language-model.js';
import type { Microshard } from './microshard.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { objective, randomMicroshard, smallModel } from './testing/index.js';

const model = smallModel({ activation: 'relu', biases: false, hidden: [5, 5] });
const layout = parameterLayout(model);
const microshard: Microshard = { ...randomMicroshard({ vocabulary: 7, lengths: [6, 6] }), index: 3, sequences: Int32Array.of(40, 41) };

function locate(change: (parameters: Float32Array) => void, changed: Partial<Microshard> = {}): ReturnType<typeof locateNonFinite> {
  const parameters = initializeParameters(model, 1);
  change(parameters);
  return locateNonFinite({ model, objective: objective(), seed: 1, parameters, microshard: { ...microshard, ...changed } });
}

describe('locateNonFinite', () => {
  it('finds nothing where everything is finite', async () => {
    expect(await locate(() => undefined)).toBeUndefined();
  });

  it('finds the moment, sequence and layer where a state first overflows', async () => {
    const inputs = microshard.inputs.map((_, i) => (i === 2 * 2 + 1 ? 6 : 1));
    const found = await locate((parameters) => {
      viewTensor(parameters, tensorNamed(layout, 'rnn.weight_ih_l0')).fill(Infinity, 6 * 5);
    }, { inputs });
    expect(found).toEqual({ microshard: 3, sequence: 41, timeStep: 2, layer: 0, phase: 'forward' });
  });

  it('names the output layer where only the loss is not finite', async () => {
    const found = await locate((parameters) => { viewTensor(parameters, tensorNamed(layout, 'decoder.weight')).fill(NaN); });
    expect(found).toEqual({ microshard: 3, sequence: 40, timeStep: 0, layer: 2, phase: 'forward' });
  });

  it('names the moment, going back in time, where only a gradient overflows', async () => {
    // Zero inputs and W_hh = e_0 (w, -w, 0, ...) keep every state at sigmoid(0); going back, unit 0 grows by w / 4 a step.
    const bounded = smallModel({ activation: 'sigmoid', biases: false });
    const parameters = initializeParameters(bounded, 1);
    const tensor = (name: string): Float32Array => viewTensor(parameters, tensorNamed(parameterLayout(bounded), name));
    tensor('rnn.weight_ih_l0').fill(0);
    tensor('rnn.weight_hh_l0').fill(0).set([1e30, -1e30]);
    const sequence = { ...microshard, sequences: Int32Array.of(40, 41) };
    const initialStates = new Float32Array(10).fill(0.5);
    const found = await locateNonFinite({ model: bounded, objective: objective(), seed: 1, parameters, microshard: sequence, initialStates });
    expect(found).toEqual({ microshard: 3, sequence: 41, timeStep: 3, layer: 0, phase: 'backward' });
  });
});
