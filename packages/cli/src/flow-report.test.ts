import type { Distribution } from '@bptt/core';
import type { Measurement } from '@bptt/trainer';
import { describe, expect, it } from 'vitest';
import { flowLines } from './flow-report.js';

const distribution = (median: number, count = 90): Distribution => ({ mean: median, median, p10: median / 2, p90: median * 2, max: median * 4, count });
const measurement: Measurement = {
  sentences: 10, tokens: 1234, lags: 4, jacobianSamples: 16,
  flow: [{ layer: 0, part: 'h', lags: [1, 0.5, 0.25, 0.125, 0.0000625].map((median) => distribution(median)), eFold: Infinity, decay: 0.5 }],
  jacobians: [{ layer: 0, of: 'h', lags: [{ lag: 1, ...distribution(1.2, 16), aboveOne: 0.75 }, { lag: 3, ...distribution(0.9, 12), aboveOne: 0 }] }],
  spectra: [{ layer: 0, gate: 's', norm: 2, radius: 1.5 }],
  bounds: [{ perStep: 2 }],
  saturation: [{ layer: 0, name: 's', f: 'tanh', high: 0.101, low: 0.052, dead: 0 }],
  truncations: [{ truncation: 'window:4', cosine: 0.99876, normRatio: 0.97, tensors: [] }],
};

describe('flowLines', () => {
  it('shows tables that line up, and says where a Jacobian is above 1', () => {
    expect(flowLines(measurement, 'all of x.txt')).toEqual([
      'measured on all of x.txt: 10 sentences that reach back 4 steps or more, 1,234 tokens',
      '',
      'What of the error of an output reaches the states before it: ||dE_t/ds_{t-lag}||, nats per unit of state',
      'layer 0, h: e-fold distance > 4 steps, decay 0.5 a step',
      '  lag  outputs     mean   median      p10      p90',
      '  0         90        1        1      0.5        2',
      '  1         90      0.5      0.5     0.25        1',
      '  2         90     0.25     0.25    0.125      0.5',
      '  3         90    0.125    0.125   0.0625     0.25',
      '  4         90  6.25e-5  6.25e-5  3.13e-5  1.25e-4',
      '',
      "Jacobians of a layer's recurrence at 16 moments: largest singular value",
      'layer 0, h: over one step 75.0% of the norms are above 1, up to 4.8: some errors grow',
      '                 moments  median  max  above 1  bound',
      '  ds_t/ds_{t-1}       16     1.2  4.8    75.0%      2',
      '  ds_t/ds_{t-3}       12     0.9  3.6     0.0%      8',
      '  bound: (gamma ||W_hh||_2)^lag with gamma ||W_hh||_2 = 2',
      '',
      'Recurrent matrices: largest singular value and largest absolute eigenvalue',
      '             ||W_hh||_2  radius',
      '  layer 0 s           2     1.5',
      '',
      'Saturation: share of the values at an end of their range, of the units always at the lower end',
      '                    upper end  lower end  dead',
      '  layer 0 s (tanh)      10.1%       5.2%  0.0%',
      '',
      'What a truncation leaves of the full gradient',
      '            cosine  norm ratio',
      '  window:4  0.9988      0.9700',
    ]);
  });

  it('says where nothing grows, where there is no bound, and where no moment lies so far into its sentence', () => {
    const [{ layer, lags: [step] }] = measurement.jacobians;
    const lines = (lags: Measurement['jacobians'][number]['lags']) => flowLines({ ...measurement, jacobians: [{ layer, of: 'h, c', lags }], bounds: [{ absent: 'gates' }] }, 'x');
    expect(lines([{ ...step, aboveOne: 0 }])).toEqual(expect.arrayContaining(['layer 0, h, c: over one step no norm is above 1: no error grows', '  bound: none; gates']));
    expect(lines([])).toContain('layer 0, h, c: none of these moments lies so far into its sentence');
    expect(flowLines({ ...measurement, jacobianSamples: 0, jacobians: [{ layer, of: 'h', lags: [] }] }, 'x').join('\n')).not.toContain('Jacobian');
  });
});
