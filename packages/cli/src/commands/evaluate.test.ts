import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeParameters, parameterLayout, referenceBackend, type ModelConfig } from '@bptt/core';
import { memorySplit } from '@bptt/data';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../exit-codes.js';
import { countCharacters, evaluateSplit } from './evaluate.js';

const model: ModelConfig = { cell: 'rnn', activation: 'tanh', biases: true, input: 'onehot', vocabulary: 6, embedding: 1, hidden: 4, layers: 1 };
const backend = referenceBackend({ precision: 'float32' });
const sentences = [Int32Array.of(0, 3, 2, 4, 1), Int32Array.of(0, 5, 1), Int32Array.of(0, 2, 2, 3, 3, 1)];

describe('evaluateSplit', () => {
  it('gives ln V where the model knows nothing', async () => {
    const parameters = new Float32Array(parameterLayout(model).size);
    const { loss, perplexity, tokens, sentences: count, unknownShare } = await evaluateSplit({ model, parameters }, memorySplit(sentences), backend);
    expect(loss).toBeCloseTo(Math.log(6), 6);
    expect(perplexity).toBeCloseTo(6, 5);
    expect({ tokens, count, unknownShare }).toEqual({ tokens: 11, count: 3, unknownShare: 3 / 11 });
  });

  it('is the mean over tokens, whatever the sentences stand beside', async () => {
    const parameters = initializeParameters(model, 1);
    const score = async (some: readonly Int32Array[]) => evaluateSplit({ model, parameters }, memorySplit(some), backend);
    let lossSum = 0;
    for (const sentence of sentences) lossSum += (await score([sentence])).loss * (sentence.length - 1);
    expect((await score(sentences)).loss).toBeCloseTo(lossSum / 11, 6);
  });

  it('refuses nothing to score, and stops when it is interrupted', async () => {
    const parameters = initializeParameters(model, 1);
    await expect(evaluateSplit({ model, parameters }, memorySplit([]), backend)).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(evaluateSplit({ model, parameters }, memorySplit(sentences), backend, AbortSignal.abort())).rejects.toBeInstanceOf(InterruptedError);
  });
});

describe('countCharacters', () => {
  it('counts code points, not bytes or UTF-16 units', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bptt-characters-'));
    const content = 'a\u00e9\u4e2d\u{1f40b}\n'.repeat(30_000);
    writeFileSync(join(folder, 'text.txt'), content);
    expect(await countCharacters(join(folder, 'text.txt'))).toBe(5 * 30_000);
    rmSync(folder, { recursive: true });
  });
});
