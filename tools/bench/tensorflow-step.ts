import { topUnits } from '@bptt/core';
import type { StepWork } from './step-server.js';
import type { Workload } from './workload.js';
import { zipfSource } from './zipf.js';

/** What is used of TensorFlow.js, which is no dependency of this repository. */
export interface TensorFlow {
  readonly version_core: string;
  getBackend(): string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  readonly train: { sgd(learningRate: number): { minimize(loss: () => Tensor, returnCost: boolean): Tensor | null } };
  variable(initial: Tensor): Tensor;
  randomUniform(shape: readonly number[], low: number, high: number): Tensor;
  tensor1d(values: Int32Array, dtype: 'int32'): Tensor;
  zeros(shape: readonly number[]): Tensor;
  oneHot(indices: Tensor, depth: number): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  tanh(x: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  neg(x: Tensor): Tensor;
  sum(x: Tensor): Tensor;
  concat(parts: readonly Tensor[], axis: number): Tensor;
  logSoftmax(x: Tensor): Tensor;
  tidy<T>(work: () => T): T;
  dispose(x: Tensor): void;
}

interface Tensor {
  readonly dtype: string;
  data(): Promise<ArrayLike<number>>;
}

const SEED = 1;
const LEARNING_RATE = 0.005;

/**
 * Training steps of the tutorial's model in TensorFlow.js: one sentence, the summed loss, automatic differentiation, SGD. Words enter as one-hot vectors by a product, as
 * the model is written down; there a lookup of rows has a gradient that takes far longer.
 */
export async function tensorFlowSteps(tf: TensorFlow, { model, T }: Workload): Promise<StepWork> {
  await tf.setBackend('cpu');
  await tf.ready();
  const [words, units] = [model.vocabulary, topUnits(model)];
  const uniform = (fanIn: number, shape: readonly number[]): Tensor => tf.variable(tf.randomUniform(shape, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn)));
  const [U, W, V] = [uniform(words, [words, units]), uniform(units, [units, units]), uniform(units, [words, units])];
  const optimizer = tf.train.sgd(LEARNING_RATE);
  const source = zipfSource(words, T, SEED);

  function lossOf(x: Tensor, y: Tensor): Tensor {
    const projected = tf.matMul(tf.oneHot(x, words), U);
    let state = tf.zeros([1, units]);
    const states = Array.from({ length: T }, (_, t) => (state = tf.tanh(tf.add(tf.slice(projected, [t, 0], [1, units]), tf.matMul(state, W, false, true)))));
    const logProbabilities = tf.logSoftmax(tf.matMul(tf.concat(states, 0), V, false, true));
    return tf.neg(tf.sum(tf.mul(logProbabilities, tf.oneHot(y, words))));
  }

  const draw = (): Tensor => tf.tensor1d(source(), 'int32');
  return {
    executes: `TensorFlow.js ${tf.version_core} (backend ${tf.getBackend()}), 1 thread`,
    async step() {
      const [x, y] = [draw(), draw()];
      const begin = performance.now();
      const cost = tf.tidy(() => optimizer.minimize(() => lossOf(x, y), true));
      if (cost === null) throw new Error('TensorFlow.js: expected a loss, got none');
      const [loss] = Array.from(await cost.data());
      const ms = performance.now() - begin;
      for (const tensor of [x, y, cost]) tf.dispose(tensor);
      if (!Number.isFinite(loss)) throw new Error(`TensorFlow.js: expected a finite loss, got ${String(loss)}`);
      return ms;
    },
    close: () => undefined,
  };
}
