import type { Microshard } from '../microshard.js';
import { NO_TOKEN } from '../microshard.js';
import type { ModelConfig } from '../model-config.js';
import { stream } from '../random.js';

/** A small model: tanh, biases, one-hot input, V 7, H 5, one layer; whatever is given replaces that. */
export function smallModel(changes: Partial<ModelConfig> = {}): ModelConfig {
  return { cell: 'rnn', activation: 'tanh', biases: true, input: 'onehot', vocabulary: 7, embedding: 4, hidden: 5, layers: 1, ...changes };
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
