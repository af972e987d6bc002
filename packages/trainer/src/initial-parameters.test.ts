import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeParameters, parameterLayout } from '@bptt/core';
import { smallModel } from '@bptt/core/testing';
import { Vocabulary } from '@bptt/data';
import { encodeSafetensors, toStateDict } from '@bptt/interop';
import { bestCheckpointPath } from '@bptt/server';
import { startTestServer, tinyConfig } from '@bptt/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadInitialParameters } from './initial-parameters.js';

const folder = mkdtempSync(join(tmpdir(), 'bptt-initial-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const model = smallModel();
const vocabulary = new Vocabulary(['the', 'whale', 'is', 'old']);
const run = join(folder, 'run');
const file = join(folder, 'weights.safetensors');
const parameters = initializeParameters(model, 3);

function load(path: string, changes: Partial<Parameters<typeof loadInitialParameters>[1]> = {}): Float32Array {
  return loadInitialParameters(path, { model, vocabulary, ...changes }, () => undefined);
}

beforeAll(async () => {
  const test = await startTestServer({ config: tinyConfig({ model, seed: 3 }), runDirectory: run, vocabularyJson: vocabulary });
  await test.server.stop();
  await test.close();
  const own = { name: 'bptt.states', shape: [2], values: Float32Array.of(1, 2) };
  writeFileSync(file, encodeSafetensors([...toStateDict(parameterLayout(model), parameters), own], {}));
});

describe('loadInitialParameters', () => {
  it('takes the last checkpoint of a run, or a state dict, without what is not of the model', () => {
    expect(load(run)).toEqual(parameters);
    expect(load(file)).toEqual(parameters);
  });

  it('refuses a run with another vocabulary, model or shape, naming the first difference', () => {
    expect(() => load(run, { vocabulary: new Vocabulary(['the', 'ship', 'is', 'old']) })).toThrow(`initFrom: ${run}: expected word 4 to be "ship", as of this run, got "whale"`);
    expect(() => load(run, { vocabulary: new Vocabulary(['the', 'whale', 'is', 'old', 'now']) })).toThrow('expected word 7 to be "now", as of this run, got none');
    expect(() => load(run, { model: smallModel({ hidden: [6] }) })).toThrow(/expected tensor 0 to be "rnn.weight_ih_l0 \[7, 6\]", as of this run, got "rnn.weight_ih_l0 \[7, 5\]"/);
    expect(() => load(run, { model: smallModel({ activation: 'relu' }) })).toThrow('expected activation relu, as of this run, got tanh');
  });

  it('refuses a file that does not fit, is damaged, or is not there', () => {
    expect(() => load(file, { model: smallModel({ hidden: [6] }) })).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(`initFrom: ${file}: state dict: expected rnn.weight_ih_l0`) as string }) as Error);
    const damaged = join(folder, 'damaged.safetensors');
    writeFileSync(damaged, 'not tensors');
    expect(() => load(damaged)).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(`initFrom: ${damaged}: safetensors: expected`) as string }) as Error);
    expect(() => load(join(folder, 'none'))).toThrow(expect.objectContaining({ code: 'not-found' }) as Error);
    mkdirSync(join(folder, 'empty'));
    expect(() => load(join(folder, 'empty'))).toThrow(expect.objectContaining({ code: 'not-found' }) as Error);
    expect(() => load(bestCheckpointPath(run))).toThrow(expect.objectContaining({ code: 'not-found' }) as Error);
  });
});
