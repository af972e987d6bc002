import { readFileSync } from 'node:fs';
import { parameterLayout } from '../language-model.js';
import type { Microshard } from '../microshard.js';
import type { ModelConfig } from '../model-config.js';
import { flattenGolden, goldenMicroshard, goldenNumbers, type GoldenCase } from './golden.js';

/** Norms by lag, moment and sequence. */
export type ByLag = readonly (readonly (readonly number[])[])[];

/** What torch.autograd says of one model, made by `tools/golden/gradient_flow.py`, which says what is in it. */
export interface GoldenFlowCase {
  readonly label: string;
  readonly model: ModelConfig;
  readonly parameters: Float64Array;
  readonly batch: { readonly microshard: Microshard; readonly initialStates: Float64Array };
  /**
   * From the bottom up. Of an LSTM, `cell` is the whole derivative by `c_t`, the one through `h_t` of the same moment included, which is what
   * `measureGradientFlow` tells of `c`. The file's `carriedCell`, without that way, is the error by which a step ends the one before; the
   * Jacobians of the carry are made of it.
   */
  readonly layers: readonly {
    readonly hidden: ByLag;
    readonly jacobians: ByLag;
    readonly cell?: ByLag;
    readonly carryJacobians?: ByLag;
  }[];
}

interface FileCase extends Pick<GoldenFlowCase, 'layers'>, Pick<GoldenCase, 'parameters' | 'T' | 'B' | 'inputs' | 'targets' | 'carry'> {
  readonly config: ModelConfig;
}

/** All cases of the file. */
export function goldenFlowCases(): GoldenFlowCase[] {
  const { cases } = JSON.parse(readFileSync(new URL('golden/gradient-flow.json', import.meta.url), 'utf8')) as { readonly cases: readonly FileCase[] };
  return cases.map(({ config: model, parameters: tensors, T, B, inputs, targets, carry, layers }) => {
    const parameters = flattenGolden(parameterLayout(model), tensors);
    const microshard = goldenMicroshard({ T, B, inputs, targets });
    const label = [model.cell, model.activation, model.resetBefore ? 'reset before' : '', model.input, model.biases ? '' : 'no biases'].filter((word) => word !== '').join(' ');
    return { label, model, parameters, batch: { microshard, initialStates: goldenNumbers(carry) }, layers };
  });
}
