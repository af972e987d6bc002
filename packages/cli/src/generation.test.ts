import { createStepper, initializeParameters, parameterLayout, referenceBackend, stateSize, type ModelConfig, type Stepper } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { generateSentence, type GenerationOptions } from './generation.js';

const model: ModelConfig = { cell: 'rnn', activation: 'tanh', biases: true, input: 'onehot', vocabulary: 9, embedding: 1, hidden: 4, layers: 1 };
const special = { start: 0, end: 1, unknown: 2 };
const options: GenerationOptions = { special, prompt: [], length: 30, seed: 1, sample: 0 };

/** A model whose output bias alone decides: `bias(word)` is the logit of every word, whatever was read. */
function stepperWith(bias: (word: number) => number, scale = 1): Stepper {
  const layout = parameterLayout(model);
  const parameters = initializeParameters(model, 3).map((value) => value * scale);
  const { begin } = layout.tensors.find(({ name }) => name === 'decoder.bias') ?? { begin: NaN };
  for (let word = 0; word < model.vocabulary; word += 1) parameters[begin + word] = bias(word);
  const stepper = createStepper({ backend: referenceBackend({ precision: 'float32' }), model });
  stepper.setParameters(parameters);
  return stepper;
}

describe('generateSentence', () => {
  it('stops after its length when the model never ends a sentence', async () => {
    const { words, ended } = await generateSentence(stepperWith((word) => (word === special.end ? -100 : 0)), model, options);
    expect(words).toHaveLength(30);
    expect(ended).toBe(false);
  });

  it('stops where the model ends the sentence', async () => {
    const stepper = stepperWith((word) => (word === special.end ? 100 : 0));
    expect(await generateSentence(stepper, model, { ...options, prompt: [4, 5] })).toEqual({ words: [4, 5], ended: true });
    const { words, ended } = await generateSentence(stepper, model, options);
    expect(words, 'a sentence has a word at least').toHaveLength(1);
    expect(ended).toBe(true);
  });

  it('never draws the start of a sentence or an unknown word, however likely', async () => {
    const stepper = stepperWith((word) => (word === special.start || word === special.unknown ? 100 : word === special.end ? -100 : 0));
    const { words } = await generateSentence(stepper, model, { ...options, length: 200 });
    expect(words).toHaveLength(200);
    expect(words.every((word) => word > 2)).toBe(true);
    expect(new Set(words).size).toBeGreaterThan(3);
  });

  it('draws the same for the same seed and sample, and something else for another', async () => {
    const stepper = stepperWith((word) => (word === special.end ? -100 : 0));
    const draw = async (changes: Partial<GenerationOptions>) => (await generateSentence(stepper, model, { ...options, ...changes })).words.join();
    expect(await draw({})).toBe(await draw({}));
    expect(new Set([await draw({}), await draw({ seed: 2 }), await draw({ sample: 1 }), await draw({ seed: 2, sample: 1 })]).size).toBe(4);
  });

  it('begins with the prompt, and draws from what the model says after it', async () => {
    const stepper = stepperWith((word) => (word === special.end ? -100 : 0), 4);
    for (const prompt of [[3], [5, 8], [7, 7, 4]]) {
      let next = await stepper.step(Int32Array.of(special.start), new Float32Array(stateSize(model, 1)));
      for (const word of prompt) next = await stepper.step(Int32Array.of(word), next.states);
      const likeliest = Array.from(next.logits.values.keys()).filter((word) => word > 2).sort((a, b) => next.logits.values[b] - next.logits.values[a])[0];
      const { words } = await generateSentence(stepper, model, { ...options, temperature: 0, length: 1, prompt });
      expect(words).toEqual([...prompt, likeliest]);
    }
  });

  it('carries the state: each word follows from the one step before it', async () => {
    const stepper = stepperWith((word) => (word === special.end ? -100 : 0), 8);
    const { words } = await generateSentence(stepper, model, { ...options, temperature: 0, length: 6, prompt: [5] });
    let next = await stepper.step(Int32Array.of(0), new Float32Array(stateSize(model, 1)));
    for (const [i, word] of words.entries()) {
      if (i > 0) {
        const allowed = Array.from(next.logits.values, (logit, id) => ({ logit, id })).filter(({ id }) => id !== 0 && id !== 2);
        expect(word).toBe(allowed.reduce((best, one) => (one.logit > best.logit ? one : best)).id);
      }
      next = await stepper.step(Int32Array.of(word), next.states);
    }
  });

  it('refuses parameters that have exploded', async () => {
    await expect(generateSentence(stepperWith(() => NaN), model, options)).rejects.toMatchObject({ code: 'failed-precondition', message: expect.stringContaining('finite logits') as unknown });
  });
});
