import { topUnits, type ModelConfig } from '../model-config.js';
import type { TensorDeclaration } from '../parameters.js';
import type { Head, Parameters } from './head.js';

/** The output layer `o = W s + b` with `outputs` rows, under the name `decoder`. */
export function decoderDeclarations(model: ModelConfig, outputs: number): TensorDeclaration[] {
  const weight: TensorDeclaration = { name: 'decoder.weight', shape: [outputs, topUnits(model)] };
  return model.biases ? [weight, { name: 'decoder.bias', shape: [outputs] }] : [weight];
}

/**
 * The softmax head, a word predicted at every step (`docs/math/bptt.md` equations 2 to 4). Loss of row `n`, in nats, and its gradient:
 *
 *     E_n = -log softmax(W_out s_n + b_out)[y_n]          dE_n/do_n = softmax(o_n) - onehot(y_n)
 *
 * A tied model has the embedding in the place of `W_out` (Press and Wolf 2017).
 */
export function softmax(model: ModelConfig): Head {
  const weightName = model.tied ? 'encoder.weight' : 'decoder.weight';
  const layer = (parameters: Parameters) => ({ weight: parameters[weightName], bias: parameters['decoder.bias'] });
  return {
    declarations: decoderDeclarations(model, model.vocabulary).filter(({ name }) => !model.tied || name !== 'decoder.weight'),
    inputs: ({ targets }) => ({ ids: { targets }, matrices: {} }),
    losses: (operations, parameters, states, { ids }) => operations.linearSoftmaxLoss({ ...layer(parameters), states, targets: ids['targets'] }),
    gradients(operations, parameters, states, { ids }) {
      const { losses, dStates, dWeight, dBias } = operations.linearSoftmaxCrossEntropy({ ...layer(parameters), states, targets: ids['targets'] });
      return { losses, dStates, dParameters: { [weightName]: dWeight, ...(dBias && { 'decoder.bias': dBias }) } };
    },
    logits(operations, parameters, states) {
      const { weight, bias } = layer(parameters);
      return { logits: operations.matMul(states, weight, { transposeB: true, addend: bias }) };
    },
    scores: ({ logits }) => logits.values.slice(),
  };
}
