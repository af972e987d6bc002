import { parameterLayout } from '../language-model.js';
import type { Microshard } from '../microshard.js';
import { NO_TOKEN } from '../microshard.js';
import { MODEL_DEFAULTS, predictsWords, type ModelConfig } from '../model-config.js';
import { tensorNamed, viewTensor } from '../parameters.js';
import { OBJECTIVE_DEFAULTS, type Objective } from '../objective.js';
import { stream } from '../random.js';

/** A small model: tanh, biases, one-hot input, V 7, H 5, one layer; whatever is given replaces that. */
export function smallModel(changes: Partial<ModelConfig> = {}): ModelConfig {
  return { ...MODEL_DEFAULTS, vocabulary: 7, embedding: 4, hidden: [5], ...changes };
}

/** The defaults, differentiated as `changes` says. */
export function objective(changes: Partial<Objective> = {}): Objective {
  return { ...OBJECTIVE_DEFAULTS, ...changes };
}

/** Random sequences of the lengths given that `model` can read and predict, words or vectors, at every step or at the last. */
export function modelMicroshard(model: ModelConfig, lengths: readonly number[], seed = 1): Microshard {
  const { input, embedding, head } = model;
  const words = randomMicroshard({ vocabulary: model.vocabulary, lengths, seed });
  const { T, B } = words;
  const isRead = (row: number): boolean => words.inputs[row] !== NO_TOKEN;
  const features = input === 'dense' ? randomValues(T * B * embedding, seed).map((x, i) => (isRead(Math.floor(i / embedding)) ? Math.fround(x) : 0)) : undefined;
  const given: Microshard = { ...words, features };
  if (predictsWords(model)) return given;
  const classes = head.kind === 'lastSoftmax' ? head.classes : 1;
  const targets = words.targets.map((target, row) => (isRead(row) && Math.floor(row / B) === lengths[row % B] - 1 ? target % classes : NO_TOKEN));
  return { ...given, targets, values: head.kind === 'lastSquaredError' ? randomValues(B * head.outputs, seed + 1).map(Math.fround) : undefined };
}

export interface RandomMicroshardOptions {
  readonly vocabulary: number;
  /** Length of each sequence; the longest gives `T`. */
  readonly lengths: readonly number[];
  readonly seed?: number;
  readonly index?: number;
}

/** Random words in sequences of the lengths given, padded behind: a ragged batch where the lengths differ. */
export function randomMicroshard({ vocabulary, lengths, seed = 1, index = 0 }: RandomMicroshardOptions): Microshard {
  const T = Math.max(...lengths);
  const B = lengths.length;
  const random = stream(seed, 'random microshard', index);
  const words = (offset: number): Int32Array =>
    Int32Array.from({ length: T * B }, (_, i) => (Math.floor(i / B) < lengths[i % B] ? Math.floor(random.uniform(offset + i) * vocabulary) : NO_TOKEN));
  return { index, T, B, inputs: words(0), targets: words(T * B), sequences: Int32Array.from(lengths, (_, b) => b) };
}

/** Numbers uniform in [-1, 1), times `scale`. */
export function randomValues(length: number, seed: number, scale = 1): Float64Array {
  const random = stream(seed, 'random values');
  return Float64Array.from({ length }, (_, i) => (2 * random.uniform(i) - 1) * scale);
}

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
