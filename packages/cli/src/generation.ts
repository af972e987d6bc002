import { BpttError, sampleWord, stateSize, stream, type ModelConfig, type SamplingOptions, type Stepper } from '@bptt/core';

/** Ids of the tokens that generation treats differently. */
export interface SpecialTokens {
  /** Opens every sentence; never drawn. */
  readonly start: number;
  /** Ends a sentence. */
  readonly end: number;
  /** Stands for every rare word; never drawn. */
  readonly unknown: number;
}

export interface GenerationOptions extends Omit<SamplingOptions, 'forbidden'> {
  readonly special: SpecialTokens;
  /** Words that the sentence begins with. */
  readonly prompt: readonly number[];
  /** Most words drawn. */
  readonly length: number;
  readonly seed: number;
  /** Which sentence of this seed, from 0: each has random numbers of its own. */
  readonly sample: number;
}

/** One sentence. */
export interface GeneratedSentence {
  /** Prompt and drawn words, without special tokens. */
  readonly words: readonly number[];
  /** Whether the model ended it; else `length` did. */
  readonly ended: boolean;
}

/**
 * Draws one sentence, word by word with carried state: constant work a word, and at most `length` words.
 * @throws BpttError `failed-precondition` where the model gives no finite logit
 */
export async function generateSentence(stepper: Stepper, model: ModelConfig, options: GenerationOptions): Promise<GeneratedSentence> {
  const { special, prompt, length, seed, sample, temperature, topK, topP } = options;
  const random = stream(seed, 'generate', sample);
  const never = [special.start, special.unknown];
  const sampling: SamplingOptions = { temperature, topK, topP, forbidden: new Set(never) };
  // A sentence has a word at least.
  const opening: SamplingOptions = { ...sampling, forbidden: new Set([...never, special.end]) };
  let next = await stepper.step(Int32Array.of(special.start), new Float32Array(stateSize(model, 1)));
  for (const word of prompt) next = await stepper.step(Int32Array.of(word), next.states);
  const words = [...prompt];
  for (let drawn = 0; drawn < length; drawn += 1) {
    const word = sampleWord(next.logits.values, words.length === 0 ? opening : sampling, random.uniform(drawn));
    if (word === undefined) throw new BpttError('failed-precondition', 'generate: expected finite logits, got none: the parameters of this run have exploded');
    if (word === special.end) return { words, ended: true };
    words.push(word);
    if (drawn + 1 < length) next = await stepper.step(Int32Array.of(word), next.states);
  }
  return { words, ended: false };
}
