import { cellOf, parameterLayout } from './language-model.js';
import type { Activation, ModelConfig } from './model-config.js';
import { tensorNamed, viewTensor } from './parameters.js';
import type { FloatArray } from './shape.js';
import { spectralNorm, spectralRadius } from './spectral.js';

/** One gate's block `[H, H]` of the recurrent matrix of one layer. */
export interface RecurrentSpectrum {
  /** From the bottom, 0 first. */
  readonly layer: number;
  /** The gate's letter in the equations of the cell; `s` for the whole matrix of a vanilla cell. */
  readonly gate: string;
  /** Largest singular value. */
  readonly norm: number;
  /** Largest absolute eigenvalue. */
  readonly radius: number;
}

/** Spectral norm and radius of every recurrent matrix, gate by gate. Work `O(H^3)`, some 60 products of matrices each. */
export function recurrentSpectra(model: ModelConfig, parameters: FloatArray): RecurrentSpectrum[] {
  const layout = parameterLayout(model);
  const { gates, nonlinearities } = cellOf(model);
  return model.hidden.flatMap((H, layer) => {
    const hidden = viewTensor(parameters, tensorNamed(layout, `rnn.weight_hh_l${String(layer)}`));
    return nonlinearities.slice(0, gates).map(({ name }, gate) => {
      const block = hidden.subarray(gate * H * H, (gate + 1) * H * H);
      return { layer, gate: name, norm: spectralNorm(block, H, H), radius: spectralRadius(block, H) };
    });
  });
}

/** Largest slope `gamma` of each nonlinearity. */
const LARGEST_SLOPE: Readonly<Record<Activation, number>> = { tanh: 1, relu: 1, sigmoid: 0.25 };

/** What is known of the Jacobians of a layer from its weights alone. */
export type JacobianBound =
  /** `gamma ||W_hh||_2`: no `||ds_t/ds_{t-1}||` is larger, no `||ds_t/ds_{t-j}||` larger than its `j`-th power. */
  | { readonly perStep: number }
  /** Why there is no such bound. */
  | { readonly absent: string };

/** The bound of Pascanu, Mikolov and Bengio 2013 (section 2.1; `docs/math/bptt.md` equation 12) for every layer. */
export function jacobianBounds(model: ModelConfig, spectra: readonly RecurrentSpectrum[]): JacobianBound[] {
  return model.hidden.map((_, layer) => {
    if (model.cell !== 'rnn') return { absent: `a ${model.cell} multiplies its carry by gates besides W_hh, so its Jacobian has no bound by the norm of W_hh alone` };
    const norm = Math.max(...spectra.filter((spectrum) => spectrum.layer === layer).map((spectrum) => spectrum.norm));
    return { perStep: LARGEST_SLOPE[model.activation] * norm };
  });
}
