import { NO_TOKEN, type Microshard } from './microshard.js';
import { predictsWords, targetIds, type ModelConfig } from './model-config.js';
import { stream } from './random.js';

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

/** Random sequences of the lengths given that `model` can read and predict, words or vectors, at every step or at the last. */
export function modelMicroshard(model: ModelConfig, lengths: readonly number[], seed = 1): Microshard {
  const { input, embedding, head } = model;
  const words = randomMicroshard({ vocabulary: model.vocabulary, lengths, seed });
  const { T, B } = words;
  const isRead = (row: number): boolean => words.inputs[row] !== NO_TOKEN;
  const features = input === 'dense' ? Float32Array.from(randomValues(T * B * embedding, seed), (x, i) => (isRead(Math.floor(i / embedding)) ? x : 0)) : undefined;
  const given: Microshard = { ...words, features };
  if (predictsWords(model)) return given;
  const targets = words.targets.map((target, row) => (isRead(row) && Math.floor(row / B) === lengths[row % B] - 1 ? target % targetIds(model) : NO_TOKEN));
  return { ...given, targets, values: head.kind === 'lastSquaredError' ? Float32Array.from(randomValues(B * head.outputs, seed + 1)) : undefined };
}
