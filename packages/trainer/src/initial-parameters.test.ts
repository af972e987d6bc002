import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeParameters, parameterLayout } from '@bptt/core';
import { smallModel } from '@bptt/core/testing';
import { Vocabulary } from '@bptt/data';
import { encodeSafetensors, toStateDict } from '@bptt/interop';
import { bestCheckpointPath } from '@bptt/server';
import { startTestServer, tinyConfig } from '@bptt/server/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadInitialParameters } from './initial-parameters.js';

const folder = mkdtempSync(join(tmpdir(), 'bptt-initial-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const model = smallModel();
const vocabulary = new Vocabulary(['the', 'whale', 'is', 'old']);
const run = join(folder, 'run');
const file = join(folder, 'weights.safetensors');
const parameters = initializeParameters(model, 3);

const warnings: string[] = [];
beforeEach(() => { warnings.length = 0; });

function load(path: string, changes: Partial<Parameters<typeof loadInitialParameters>[1]> = {}): Float32Array {
  return loadInitialParameters(path, { model, vocabulary, ...changes }, (message) => { warnings.push(message); });
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

  it('asks of a checkpoint file what it asks of a run', () => {
    const checkpoint = join(run, 'checkpoints', 'step-00000000.safetensors');
    expect(load(checkpoint)).toEqual(parameters);
    expect(warnings).toEqual([]);
    expect(() => load(checkpoint, { vocabulary: new Vocabulary(['the', 'ship', 'is', 'old']) })).toThrow(expect.objectContaining({
      code: 'invalid-argument', message: expect.stringMatching(/: expected the vocabulary of this run, with sha256 \w{64}, got one with sha256 \w{64}$/) as string,
    }) as Error);
    expect(() => load(checkpoint, { model: smallModel({ activation: 'relu' }) })).toThrow(`initFrom: ${checkpoint}: expected activation relu, as of this run, got tanh`);
  });

  it('goes on with a file that names no vocabulary, and warns; what it says of its model counts', () => {
    load(file);
    expect(warnings).toEqual([`initFrom: ${file} does not say what vocabulary it is for: nothing can tell whether it is the one of this run`]);
    const exported = join(folder, 'exported.safetensors');
    const write = (config: string): void => { writeFileSync(exported, encodeSafetensors(toStateDict(parameterLayout(model), parameters), { config })); };
    write(JSON.stringify({ model: { ...model, activation: 'relu' } }));
    expect(() => load(exported)).toThrow(`initFrom: ${exported}: expected activation tanh, as of this run, got relu`);
    write('not JSON');
    expect(() => load(exported)).toThrow(`initFrom: ${exported}: metadata: expected config to be JSON, got "not JSON"`);
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
