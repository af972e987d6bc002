import { assert } from './errors.js';
import type { FloatArray } from './shape.js';

export interface SamplingOptions {
  /** Divides the logits: below 1 sharper, above 1 flatter, 0 takes the likeliest word. Default 1. */
  readonly temperature?: number | undefined;
  /** Sample among so many likeliest words alone; 0 means all. Default 0. */
  readonly topK?: number | undefined;
  /** Sample among the fewest likeliest words whose probabilities reach this sum, in (0, 1]. Default 1. */
  readonly topP?: number | undefined;
  /** Words that are never drawn. */
  readonly forbidden?: ReadonlySet<number> | undefined;
  /** Where present, the words that alone may be drawn. */
  readonly only?: ReadonlySet<number> | undefined;
}

/**
 * Draws a word from `softmax(logits / temperature)` over the allowed words, cut to the `topK` likeliest and then to the nucleus `topP`
 * (Holtzman et al. 2020). Words of equal logit are ranked by id, so that a draw is a pure function of its arguments.
 * @param logits one row `[V]`
 * @param uniform the random number of this draw, in [0, 1)
 * @returns the word, or undefined where no allowed word has a finite logit
 */
export function sampleWord(logits: FloatArray, options: SamplingOptions, uniform: number): number | undefined {
  const { temperature = 1, topK = 0, topP = 1, forbidden, only } = options;
  assert(temperature >= 0 && topP > 0 && topP <= 1 && topK >= 0, () => `sampleWord: temperature ${String(temperature)}, topK ${String(topK)}, topP ${String(topP)}`);
  const words = Array.from(only ?? logits.keys()).filter((word) => Number.isFinite(logits[word]) && !forbidden?.has(word));
  if (words.length === 0) return undefined;
  const best = words.reduce((one, other) => (rank(logits, one, other) <= 0 ? one : other));
  if (temperature === 0) return best;
  // Sorting takes longer than all else: the ids of a whole vocabulary are in an order already.
  if (topK > 0 || topP < 1 || only !== undefined) words.sort((a, b) => rank(logits, a, b));
  const candidates = topK > 0 ? words.slice(0, topK) : words;
  const weights = candidates.map((word) => Math.exp((logits[word] - logits[best]) / temperature));
  return candidates[drawIndex(nucleus(weights, topP), uniform)];
}

/** Negative where word `a` comes before word `b`: the likelier first, then the smaller id. */
function rank(logits: FloatArray, a: number, b: number): number {
  return logits[b] - logits[a] || a - b;
}

/** `log sum exp(logits)` in float64, so that `logits[w] - logSumExp(logits)` is the log-probability of word `w`, in nats. NaN where a logit is NaN. */
export function logSumExp(logits: FloatArray): number {
  let most = -Infinity;
  for (const logit of logits) if (!(logit <= most)) most = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return most + Math.log(sum);
}

/** The shortest beginning of `weights` that reaches the share `topP` of their sum. */
function nucleus(weights: readonly number[], topP: number): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const last = topP < 1 ? weights.findIndex((weight) => (sum += weight) >= topP * total) : -1;
  return last < 0 ? weights : weights.slice(0, last + 1);
}

function drawIndex(weights: readonly number[], uniform: number): number {
  const target = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const index = weights.findIndex((weight) => (sum += weight) > target);
  return index < 0 ? weights.length - 1 : index;
}
