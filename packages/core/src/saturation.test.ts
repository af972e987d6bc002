import { describe, expect, it } from 'vitest';
import { initializeParameters, parameterLayout } from './language-model.js';
import type { ModelConfig } from './model-config.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { referenceBackend } from './reference-backend.js';
import { measureSaturation, type Saturation } from './saturation.js';
import { modelMicroshard, randomMicroshard, smallModel } from './testing/index.js';

const oracle = referenceBackend({ precision: 'float64' });
const UNITS = 4;

/** Every weight zero, so that biases alone decide: one for every row of the gates. */
function measure(changes: Partial<ModelConfig>, biases: readonly number[], lengths: readonly number[] = [5, 3]): Promise<Saturation[]> {
  const model = smallModel({ ...changes, hidden: [UNITS] });
  const layout = parameterLayout(model);
  const parameters = new Float64Array(layout.size);
  viewTensor(parameters, tensorNamed(layout, 'rnn.bias_ih_l0')).set(biases);
  return measureSaturation({ backend: oracle, model, parameters }, [{ microshard: randomMicroshard({ vocabulary: 7, lengths }) }]);
}

const gate = (bias: number): number[] => Array.from({ length: UNITS }, () => bias);

describe('measureSaturation', () => {
  it('counts tanh units at either end, padding left out', async () => {
    // tanh(1.83) < 0.95 < tanh(1.84)
    expect(await measure({}, [1.84, 1.83, -1.84, 0])).toEqual([{ layer: 0, name: 's', f: 'tanh', high: 0.25, low: 0.25, dead: 0.25 }]);
  });

  it('finds relus that are never active', async () => {
    expect(await measure({ activation: 'relu' }, [-1, 0, 1e-9, 100])).toEqual([{ layer: 0, name: 's', f: 'relu', high: 0, low: 0.5, dead: 0.5 }]);
  });

  it('does not take a relu for dead that lives at one position', async () => {
    const model = smallModel({ activation: 'relu', hidden: [1], biases: false });
    const layout = parameterLayout(model);
    const parameters = new Float64Array(layout.size);
    viewTensor(parameters, tensorNamed(layout, 'rnn.weight_ih_l0'))[3] = 1;
    const microshard = { ...randomMicroshard({ vocabulary: 7, lengths: [4, 4] }), inputs: Int32Array.of(0, 1, 2, 5, 3, 0, 1, 6) };
    const words = (inputs: Int32Array): Promise<Saturation[]> => measureSaturation({ backend: oracle, model, parameters }, [{ microshard: { ...microshard, inputs } }]);
    expect((await words(microshard.inputs))[0]).toMatchObject({ low: 7 / 8, dead: 0 });
    expect((await words(microshard.inputs.map((word) => (word === 3 ? 4 : word))))[0]).toMatchObject({ low: 1, dead: 1 });
  });

  it('tells the gates of an LSTM apart, and its cell', async () => {
    // sigmoid(3) = 0.9526, sigmoid(-3) = 0.0474; c grows by nearly 1 a step, so tanh c saturates from the second on.
    const saturation = await measure({ cell: 'lstm' }, [...gate(3), ...gate(9), ...gate(9), ...gate(-3)], [4]);
    expect(saturation.map(({ name, high, low, dead }) => [name, high, low, dead])).toEqual([
      ['i', 1, 0, 0], ['f', 1, 0, 0], ['g', 1, 0, 0], ['o', 0, 1, 1], ['tanh c', 0.75, 0, 0],
    ]);
  });

  for (const resetBefore of [false, true]) {
    it(`tells the gates of a GRU apart${resetBefore ? ', reset before' : ''}`, async () => {
      const saturation = await measure({ cell: 'gru', resetBefore }, [...gate(-3), ...gate(3), ...gate(-2)]);
      expect(saturation.map(({ name, f, high, low }) => [name, f, high, low])).toEqual([['r', 'sigmoid', 0, 1], ['z', 'sigmoid', 1, 0], ['n', 'tanh', 0, 1]]);
    });
  }

  it('goes through all layers and batches', async () => {
    const model = smallModel({ cell: 'lstm', hidden: [3, 2] });
    const batches = [[5], [2, 4]].map((lengths) => ({ microshard: modelMicroshard(model, lengths) }));
    const saturation = await measureSaturation({ backend: oracle, model, parameters: Float64Array.from(initializeParameters(model, 1)) }, batches);
    expect(saturation.map(({ layer }) => layer)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    for (const { high, low } of saturation) expect(high + low).toBe(0);
  });
});
