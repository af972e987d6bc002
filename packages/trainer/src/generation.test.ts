import { createStepper, initializeParameters, logSumExp, MODEL_DEFAULTS, parameterLayout, referenceBackend, stateSize, tensorNamed, type Backend, type ModelConfig, type Stepper } from '@bptt/core';
import { createBackend } from '@bptt/worker';
import { describe, expect, it } from 'vitest';
import { LANES_MAX, sampleTexts, searchTexts, type GeneratedWords, type SamplingTask } from './generation.js';

const model: ModelConfig = { ...MODEL_DEFAULTS, vocabulary: 9, hidden: [4] };
const [START, END, UNKNOWN] = [0, 1, 2];
const rules = { end: END, stop: new Set<number>(), forbidden: new Set([START, UNKNOWN]), required: new Set<number>(), length: 30 };
const neverEnds = (word: number): number => (word === END ? -100 : 0);

/** A model whose output bias alone decides: `bias(word)` is the logit of every word, whatever was read. */
function stepperWith(bias: (word: number) => number, scale = 1, { backend = referenceBackend({ precision: 'float32' }), of = model }: { backend?: Backend; of?: ModelConfig } = {}): Stepper {
  const parameters = initializeParameters(of, 3).map((value) => value * scale);
  const { begin } = tensorNamed(parameterLayout(of), 'decoder.bias');
  for (let word = 0; word < of.vocabulary; word += 1) parameters[begin + word] = bias(word);
  const stepper = createStepper({ backend, model: of });
  stepper.setParameters(parameters);
  return stepper;
}

async function sample(stepper: Stepper, changes: Partial<SamplingTask> = {}): Promise<GeneratedWords[]> {
  const texts: GeneratedWords[] = [];
  for await (const text of sampleTexts({ stepper, model, start: START, prompt: [], rules, samples: 1, seed: 1, ...changes })) texts.push(text);
  return texts;
}

/** Log-probability of `words` after `prompt`, and of the end behind them where `ended`, read one after the other. */
async function readAloud(stepper: Stepper, { words, ended }: GeneratedWords, prompt: readonly number[] = []): Promise<number> {
  let next = await stepper.step(Int32Array.of(START), new Float32Array(stateSize(model, 1)));
  for (const word of prompt) next = await stepper.step(Int32Array.of(word), next.states);
  let sum = 0;
  for (const word of ended ? [...words, END] : words) {
    sum += next.logits.values[word] - logSumExp(next.logits.values);
    next = await stepper.step(Int32Array.of(word), next.states);
  }
  return sum;
}

describe('sampleTexts', () => {
  it('stops after its length when the model never ends a sentence', async () => {
    const [{ words, ended }] = await sample(stepperWith(neverEnds));
    expect(words).toHaveLength(30);
    expect(ended).toBe(false);
  });

  it('stops where the model ends the sentence, which has a word at least', async () => {
    const stepper = stepperWith((word) => (word === END ? 100 : 0));
    expect(await sample(stepper, { prompt: [4, 5] })).toMatchObject([{ words: [], ended: true }]);
    const [{ words, ended }] = await sample(stepper);
    expect(words).toHaveLength(1);
    expect(ended).toBe(true);
  });

  it('stops behind a stop word', async () => {
    const texts = await sample(stepperWith(neverEnds), { rules: { ...rules, stop: new Set([5]) }, samples: 20 });
    expect(texts.some(({ ended }) => ended)).toBe(true);
    for (const { words, ended } of texts) expect(words.indexOf(5)).toBe(ended ? words.length - 1 : -1);
  });

  it('never draws what is forbidden, however likely', async () => {
    const stepper = stepperWith((word) => (word === START || word === UNKNOWN ? 100 : word === END ? -100 : 0));
    const [{ words }] = await sample(stepper, { rules: { ...rules, length: 200 } });
    expect(words).toHaveLength(200);
    expect(words.every((word) => word > 2)).toBe(true);
    expect(new Set(words).size).toBeGreaterThan(3);
  });

  it('draws what is required, however unlikely, and counts the prompt', async () => {
    const stepper = stepperWith((word) => (word === 7 || word === 8 ? -50 : 0));
    const required = { ...rules, required: new Set([7, 8]), length: 6 };
    for (const { words } of await sample(stepper, { rules: required, samples: 20 })) expect(words).toEqual(expect.arrayContaining([7, 8]));
    const texts = await sample(stepper, { rules: required, samples: 20, prompt: [8] });
    for (const { words } of texts) expect([words.includes(7), words.includes(8)]).toEqual([true, false]);
    await expect(sample(stepper, { rules: { ...required, length: 1 } })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('refuses to draw or search where every word is forbidden', async () => {
    const task = { rules: { ...rules, forbidden: new Set([START, UNKNOWN, 3, 4, 5, 6, 7, 8]) } };
    const refusal = { code: 'invalid-argument', message: 'forbid: expected a word that is not forbidden, got every word of the vocabulary' };
    await expect(sample(stepperWith(neverEnds), task)).rejects.toMatchObject(refusal);
    await expect(searchTexts({ ...task, stepper: stepperWith(neverEnds), model, start: START, prompt: [], samples: 1, width: 2, lengthExponent: 1 })).rejects.toMatchObject(refusal);
    expect(await sample(stepperWith(neverEnds), { ...task, prompt: [3] })).toMatchObject([{ words: [], ended: true }]);
  });

  it.each(['reference', 'simd'])('draws a text that does not depend on the texts beside it, on %s', async (name) => {
    const backend = (await createBackend(name)).create();
    const of = { ...model, vocabulary: 101, hidden: [37] };
    const stepper = stepperWith((word) => (word === END ? 3 : 0), 8, { backend, of });
    const many = await sample(stepper, { model: of, samples: LANES_MAX + 5, prompt: [3] });
    expect(new Set(many.map(({ words }) => words.length)).size, 'texts of many lengths').toBeGreaterThan(8);
    for (const samples of [1, 2, 7, 20, LANES_MAX]) expect(await sample(stepper, { model: of, samples, prompt: [3] })).toEqual(many.slice(0, samples));
    expect(await sample(stepper, { model: of, samples: 3, prompt: [3], seed: 2 })).not.toEqual(many.slice(0, 3));
    backend.dispose();
  });

  it('gives the log-probability of what was drawn, whatever the temperature', async () => {
    const stepper = stepperWith((word) => (word === END ? 1 : 0), 8);
    for (const text of await sample(stepper, { samples: 10, temperature: 3, topK: 5, prompt: [6] })) {
      expect(text.logProbability).toBeCloseTo(await readAloud(stepper, text, [6]), 10);
    }
  });

  it('carries the state: each word is the likeliest after the one step before it', async () => {
    const of = { ...model, vocabulary: 101, hidden: [37] };
    const stepper = stepperWith(neverEnds, 8, { of });
    const seen = new Set<number>();
    for (const opening of [3, 5, 8]) {
      const [{ words }] = await sample(stepper, { model: of, temperature: 0, prompt: [opening], rules: { ...rules, length: 6 } });
      let next = await stepper.step(Int32Array.of(START), new Float32Array(stateSize(of, 1)));
      next = await stepper.step(Int32Array.of(opening), next.states);
      for (const word of words) {
        expect(likeliest(next.logits.values)).toBe(word);
        next = await stepper.step(Int32Array.of(word), next.states);
        seen.add(word);
      }
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  it('takes constant time a word', async () => {
    let steps = 0;
    const stepper = stepperWith(neverEnds);
    const counting = { step: (...args: Parameters<Stepper['step']>) => { steps += 1; return stepper.step(...args); } };
    await sample(counting as Stepper, { prompt: [3, 4], rules: { ...rules, length: 50 }, samples: 3 });
    expect(steps).toBe(1 + 2 + 49);
  });

  it('refuses parameters that have exploded, and stops when it is interrupted', async () => {
    await expect(sample(stepperWith(() => NaN))).rejects.toMatchObject({ code: 'failed-precondition', message: expect.stringContaining('finite logits') as unknown });
    await expect(sample(stepperWith(neverEnds), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('searchTexts', () => {
  it('finds texts at least as likely as any that are drawn, best first', async () => {
    const stepper = stepperWith((word) => (word === END ? 1 : 0), 8);
    const task = { stepper, model, start: START, prompt: [3], rules: { ...rules, length: 8 }, samples: 4, width: 16, lengthExponent: 0 };
    const found = await searchTexts(task);
    const drawn = await sample(stepper, { ...task, samples: 300 });
    expect(found[0].logProbability).toBeGreaterThanOrEqual(Math.max(...drawn.map(({ logProbability }) => logProbability)));
    expect(found.map(({ logProbability }) => logProbability)).toEqual(found.map(({ logProbability }) => logProbability).sort((a, b) => b - a));
    for (const text of found) expect(text.logProbability).toBeCloseTo(await readAloud(stepper, text, [3]), 5);
    await expect(searchTexts({ ...task, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    await expect(searchTexts({ ...task, stepper: stepperWith(() => NaN) })).rejects.toMatchObject({ code: 'failed-precondition' });
  });
});

function likeliest(logits: ArrayLike<number>): number {
  return Array.from(logits, (logit, word) => ({ logit, word })).filter(({ word }) => word > 2 || word === END).reduce((best, one) => (one.logit > best.logit ? one : best)).word;
}
