import { createMicroshardComputer, createStepper, initializeParameters, logSumExp, MODEL_DEFAULTS, OBJECTIVE_DEFAULTS, parameterLayout, referenceBackend, stateSize, type ModelConfig } from '@bptt/core';
import { memorySplit } from '@bptt/data';
import { describe, expect, it } from 'vitest';
import { evaluateSplit, scoreContinuously } from './evaluation.js';
import { InterruptedError } from './interruption.js';

const model: ModelConfig = { ...MODEL_DEFAULTS, vocabulary: 6, hidden: [4] };
const sentences = [Int32Array.of(0, 3, 2, 4, 1), Int32Array.of(0, 5, 1), Int32Array.of(0, 2, 2, 3, 3, 1)];
const backend = referenceBackend({ precision: 'float32' });

function scorerWith(parameters: Float32Array) {
  const computer = createMicroshardComputer({ backend, model, objective: OBJECTIVE_DEFAULTS, seed: 1 });
  computer.setParameters(parameters);
  return computer;
}

/** `-log P` of the targets of a text, read token by token with one state. */
async function readAloud(parameters: Float32Array, text: readonly number[]): Promise<number> {
  const stepper = createStepper({ backend, model });
  stepper.setParameters(parameters);
  let states: Float32Array = new Float32Array(stateSize(model, 1));
  let nats = 0;
  for (const [i, word] of text.slice(0, -1).entries()) {
    const next = await stepper.step(Int32Array.of(word), states);
    ({ states } = next);
    if (text[i + 1] !== 0) nats -= next.logits.values[text[i + 1]] - logSumExp(next.logits.values);
  }
  return nats;
}

describe('evaluateSplit', () => {
  it('gives ln V where the model knows nothing', async () => {
    const { tokens, sentences: count, unknown, independent, carried } = await evaluateSplit(scorerWith(new Float32Array(parameterLayout(model).size)), memorySplit(sentences));
    expect({ tokens, count, unknown }).toEqual({ tokens: 11, count: 3, unknown: 3 });
    for (const { nats, natsPerToken, perplexity, bitsPerCharacter } of [independent, carried]) {
      expect(nats).toBeCloseTo(11 * Math.log(6), 5);
      expect(natsPerToken).toBeCloseTo(Math.log(6), 6);
      expect(perplexity).toBeCloseTo(6, 5);
      expect(bitsPerCharacter).toBeUndefined();
    }
  });

  it('is the mean over tokens, whatever the sentences stand beside', async () => {
    const scorer = scorerWith(initializeParameters(model, 1));
    let nats = 0;
    for (const sentence of sentences) nats += (await evaluateSplit(scorer, memorySplit([sentence]))).independent.nats;
    expect((await evaluateSplit(scorer, memorySplit(sentences))).independent.nats).toBeCloseTo(nats, 5);
  });

  it('carries the state through the text in its order, over the bounds of its pieces', async () => {
    const parameters = initializeParameters(model, 1).map((value) => 4 * value);
    const long = Array.from({ length: 90 }, (_, i) => sentences[(i * i) % 3]);
    const { independent, carried, tokens } = await evaluateSplit(scorerWith(parameters), memorySplit(long));
    expect(tokens).toBeGreaterThan(128);
    expect(carried.nats).toBeCloseTo(await readAloud(parameters, long.flatMap((sentence) => [...sentence])), 3);
    expect(Math.abs(carried.nats - independent.nats)).toBeGreaterThan(0.1);
    const one = await evaluateSplit(scorerWith(parameters), memorySplit([sentences[0]]));
    expect(one.carried.nats).toBeCloseTo(one.independent.nats, 5);
  });

  it('gives bits for each character where these are counted', async () => {
    const { independent, carried, characters } = await evaluateSplit(scorerWith(initializeParameters(model, 1)), memorySplit(sentences), { characters: 20 });
    expect(characters).toBe(20);
    for (const { nats, bitsPerCharacter } of [independent, carried]) expect(bitsPerCharacter).toBeCloseTo(nats / Math.LN2 / 20, 12);
  });

  it('refuses nothing to score, and stops when it is interrupted', async () => {
    const scorer = scorerWith(initializeParameters(model, 1));
    await expect(evaluateSplit(scorer, memorySplit([]))).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(evaluateSplit(scorer, memorySplit(sentences), { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(InterruptedError);
    await expect(scoreContinuously(scorer, memorySplit(sentences), AbortSignal.abort())).rejects.toBeInstanceOf(InterruptedError);
  });
});
