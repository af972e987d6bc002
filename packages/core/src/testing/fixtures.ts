import { parameterLayout } from '../language-model.js';
import type { Microshard } from '../microshard.js';
import { MODEL_DEFAULTS, type ModelConfig } from '../model-config.js';
import { tensorNamed, viewTensor } from '../parameters.js';
import { randomValues } from '../random-microshard.js';
import { OBJECTIVE_DEFAULTS, type Objective } from '../objective.js';

/** A small model: tanh, biases, one-hot input, V 7, H 5, one layer; whatever is given replaces that. */
export function smallModel(changes: Partial<ModelConfig> = {}): ModelConfig {
  return { ...MODEL_DEFAULTS, vocabulary: 7, embedding: 4, hidden: [5], ...changes };
}

/** The defaults, differentiated as `changes` says. */
export function objective(changes: Partial<Objective> = {}): Objective {
  return { ...OBJECTIVE_DEFAULTS, ...changes };
}

export { modelMicroshard, randomMicroshard, randomValues } from '../random-microshard.js';

/**
 * A linear RNN `s_t = W s_{t-1} + const`: relu units, one layer, whose constant holds every state at 1, so that all stay in the linear range. One sequence of
 * one word. @param W `[H, H]`
 */
export function linearModel(W: Float64Array, { T }: { readonly T: number }): { model: ModelConfig; parameters: Float64Array; batch: { microshard: Microshard; initialStates: Float64Array } } {
  const H = Math.sqrt(W.length);
  const model = smallModel({ activation: 'relu', hidden: [H] });
  const layout = parameterLayout(model);
  const parameters = randomValues(layout.size, 11);
  const fill = (name: string, values: Float64Array): void => { viewTensor(parameters, tensorNamed(layout, name)).set(values); };
  fill('rnn.weight_hh_l0', W);
  fill('rnn.weight_ih_l0', new Float64Array(model.vocabulary * H));
  fill('rnn.bias_ih_l0', Float64Array.from({ length: H }, (_, i) => 1 - W.subarray(i * H, (i + 1) * H).reduce((sum, w) => sum + w, 0)));
  fill('rnn.bias_hh_l0', new Float64Array(H));
  fill('decoder.bias', new Float64Array(model.vocabulary));
  const microshard: Microshard = { index: 0, T, B: 1, inputs: new Int32Array(T), targets: new Int32Array(T).fill(2), sequences: Int32Array.of(0) };
  return { model, parameters, batch: { microshard, initialStates: new Float64Array(H).fill(1) } };
}

/** A random orthogonal matrix `[n, n]`: a product of reflections. */
export function randomOrthogonalMatrix(n: number, seed: number): Float64Array {
  const q = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  for (let reflection = 0; reflection < n; reflection += 1) {
    const v = randomValues(n, seed + reflection);
    const squares = v.reduce((sum, x) => sum + x * x, 0);
    for (let i = 0; i < n; i += 1) {
      const row = q.subarray(i * n, (i + 1) * n);
      const product = row.reduce((sum, x, j) => sum + x * v[j], 0);
      row.forEach((x, j) => { row[j] = x - (2 * product * v[j]) / squares; });
    }
  }
  return q;
}
