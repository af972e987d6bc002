import { describe, expect, it } from 'vitest';
import { initializeParameters, parameterLayout } from './language-model.js';
import type { ModelConfig } from './model-config.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { jacobianBounds, recurrentSpectra } from './recurrent-spectrum.js';
import { randomOrthogonalMatrix, smallModel } from './testing/index.js';

function withBlocks(model: ModelConfig, blocks: readonly (readonly number[])[]): Float64Array {
  const parameters = Float64Array.from(initializeParameters(model, 1));
  viewTensor(parameters, tensorNamed(parameterLayout(model), 'rnn.weight_hh_l0')).set(blocks.flat());
  return parameters;
}

describe('recurrentSpectra', () => {
  it('tells norm and radius of each gate apart, in the order of the rows', () => {
    const model = smallModel({ cell: 'lstm', hidden: [2] });
    // A diagonal, a rotation by a right angle times 3, a shear, and one that is nilpotent.
    const spectra = recurrentSpectra(model, withBlocks(model, [[2, 0, 0, -5], [0, -3, 3, 0], [1, 1, 0, 1], [0, 4, 0, 0]]));
    expect(spectra.map(({ layer, gate }) => [layer, gate])).toEqual([[0, 'i'], [0, 'f'], [0, 'g'], [0, 'o']]);
    [[5, 5], [3, 3], [(1 + Math.sqrt(5)) / 2, 1], [4, 0]].forEach(([norm, radius], gate) => {
      expect(spectra[gate].norm).toBeCloseTo(norm, 10);
      expect(spectra[gate].radius).toBeCloseTo(radius, 8);
    });
  });

  it('goes through all layers, whatever their sizes', () => {
    const model = smallModel({ cell: 'gru', hidden: [4, 3] });
    const parameters = Float64Array.from(initializeParameters(model, 1, { init: { kind: 'orthogonal' } }));
    const spectra = recurrentSpectra(model, parameters);
    expect(spectra.map(({ layer, gate }) => `${gate}${String(layer)}`)).toEqual(['r0', 'z0', 'n0', 'r1', 'z1', 'n1']);
    for (const { norm, radius } of spectra) for (const value of [norm, radius]) expect(value).toBeCloseTo(1, 6);
  });
});

describe('jacobianBounds', () => {
  it('is gamma times the norm of W_hh: 1 for tanh and relu, 1/4 for sigmoid', () => {
    for (const [activation, gamma] of [['tanh', 1], ['relu', 1], ['sigmoid', 0.25]] as const) {
      const model = smallModel({ activation, hidden: [4] });
      const parameters = withBlocks(model, [[...randomOrthogonalMatrix(4, 1)].map((value) => value * 6)]);
      const [bound] = jacobianBounds(model, recurrentSpectra(model, parameters));
      expect('perStep' in bound ? bound.perStep : NaN).toBeCloseTo(6 * gamma, 10);
    }
  });

  it('is absent for cells with gates, with the reason', () => {
    const model = smallModel({ cell: 'lstm' });
    expect(jacobianBounds(model, recurrentSpectra(model, initializeParameters(model, 1)))).toEqual([{ absent: expect.stringMatching(/^a lstm multiplies its carry by gates/) as string }]);
  });
});
