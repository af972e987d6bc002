import type { Ids, Matrix, Operations, OutputGradients } from '../backend.js';

/** Weights of the output layer `o_t = W_out s_t + b_out`. */
export interface SoftmaxWeights {
  /** `decoder.weight` `[V, H]` */
  readonly weight: Matrix;
  /** `decoder.bias` `[1, V]`, or undefined where the model has no biases. */
  readonly bias: Matrix | undefined;
}

/**
 * The softmax head, a word predicted at every step (`docs/math/bptt.md` equations 2 to 4). Loss of row `n`, `[N, 1]`, in nats:
 *
 *     E_n = -log softmax(W_out s_n + b_out)[y_n]
 */
export function softmaxForward(operations: Operations, { weight, bias }: SoftmaxWeights, states: Matrix, targets: Ids): Matrix {
  return operations.linearSoftmaxLoss({ states, weight, bias, targets });
}

/** Losses as `softmaxForward`, and the gradients of their sum: `dE/do_n = softmax(o_n) - onehot(y_n)`. */
export function softmaxForwardBackward(operations: Operations, { weight, bias }: SoftmaxWeights, states: Matrix, targets: Ids): OutputGradients {
  return operations.linearSoftmaxCrossEntropy({ states, weight, bias, targets });
}

/** The logits `o_n`, `[N, V]`, for sampling. */
export function softmaxLogits(operations: Operations, { weight, bias }: SoftmaxWeights, states: Matrix): Matrix {
  return operations.matMul(states, weight, { transposeB: true, addend: bias });
}
