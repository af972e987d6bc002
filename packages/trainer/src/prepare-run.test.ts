import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initializeParameters, parameterLayout } from '@bptt/core';
import { encodeSafetensors, toStateDict } from '@bptt/interop';
import { startParameterServer } from '@bptt/server';
import { tinyConfig } from '@bptt/server/testing';
import { InterruptedError } from './interruption.js';
import { prepareRun } from './prepare-run.js';
import { trainingSettings } from './training-settings.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-prepare-'));
  writeFileSync(join(folder, 'story.txt'), Array.from({ length: 40 }, (_, i) => `the ${['whale', 'ship', 'sea'][i % 3]} is ${['old', 'white'][i % 2]}.\n\n`).join(''));
});
afterEach(() => { rmSync(folder, { recursive: true }); });

async function prepare({ resume = false, overwrite = false, dryRun = false, ...changes }: Record<string, unknown>, signal = new AbortController().signal) {
  const settings = trainingSettings({ cache: join(folder, 'cache', 'deep'), run: join(folder, 'run'), vocabulary: 9, batch: 4, hidden: 3, backend: 'reference', ...changes });
  return prepareRun(join(folder, 'story.txt'), { settings, resume: resume === true, overwrite: overwrite === true, dryRun: dryRun === true }, signal);
}

describe('prepareRun', () => {
  it('counts steps from epochs unless steps are given, and makes no run folder', async () => {
    const prepared = await prepare({ epochs: 3 });
    expect(prepared.server.stepsTotal).toBe(3 * prepared.server.data.stepsPerEpoch);
    expect(prepared.server).toMatchObject({ backendId: 'reference/1', resume: false, overwrite: false, config: { microshards: 4 } });
    expect(prepared.unigramLoss).toBeGreaterThan(0);
    expect(prepared.corpus.vocabulary.size).toBe(9);
    prepared.corpus.close();
    const again = await prepare({ steps: 17 });
    expect(again.server.stepsTotal).toBe(17);
    again.corpus.close();
    expect(existsSync(join(folder, 'run'))).toBe(false);
  });

  it('leaves no cache that it made where the run is refused, and keeps one that was there', async () => {
    await expect(prepare({ batch: 1000 })).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(existsSync(join(folder, 'cache', 'deep'))).toBe(false);
    (await prepare({})).corpus.close();
    await expect(prepare({ batch: 1000 })).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(readdirSync(join(folder, 'cache', 'deep'))).toHaveLength(1);
  });

  it('refuses a run folder before it reads the corpus', async () => {
    mkdirSync(join(folder, 'run'));
    writeFileSync(join(folder, 'run', 'mine.txt'), '');
    await expect(prepare({})).rejects.toMatchObject({ code: 'already-exists' });
    await expect(prepare({ resume: true })).rejects.toMatchObject({ code: 'not-found' });
    await expect(prepare({ overwrite: true })).rejects.toMatchObject({ code: 'not-found' });
    expect(existsSync(join(folder, 'cache'))).toBe(false);
  });

  it('looks away from a full run folder where nothing is to be written, but not from a run to go on with', async () => {
    mkdirSync(join(folder, 'run'));
    writeFileSync(join(folder, 'run', 'mine.txt'), '');
    (await prepare({ dryRun: true })).corpus.close();
    expect(readdirSync(join(folder, 'run'))).toEqual(['mine.txt']);
    await expect(prepare({ dryRun: true, resume: true })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('uses an empty run folder', async () => {
    mkdirSync(join(folder, 'run'));
    (await prepare({})).corpus.close();
  });

  it('stops when it is interrupted', async () => {
    await expect(prepare({}, AbortSignal.abort())).rejects.toBeInstanceOf(InterruptedError);
    expect(existsSync(join(folder, 'cache', 'deep'))).toBe(false);
  });

  it('starts from another run or a file, which the configuration names by hash, and goes on without it', async () => {
    const model = { ...tinyConfig().model, vocabulary: 9, hidden: [3], embedding: 128 };
    const weights = initializeParameters(model, 77);
    const path = join(folder, 'weights.safetensors');
    writeFileSync(path, encodeSafetensors(toStateDict(parameterLayout(model), weights), {}));
    const prepared = await prepare({ initFrom: path, seed: 5 });
    expect(prepared.server.initialParameters).toEqual(weights);
    expect(prepared.server.config.initialParametersSha256).toMatch(/^[0-9a-f]{64}$/);
    const server = await startParameterServer({ ...prepared.server, onEvent: () => undefined });
    await server.stop();
    expect((await server.finished).parametersSha256).toBe(prepared.server.config.initialParametersSha256);
    await server.close();
    prepared.corpus.close();
    const resumed = await prepare({ resume: true, seed: 5 });
    resumed.corpus.close();
    expect(resumed.server.config).toEqual(prepared.server.config);
    const other = await prepare({ run: join(folder, 'other'), initFrom: join(folder, 'run'), seed: 6 });
    other.corpus.close();
    expect(other.server.initialParameters).toEqual(weights);
  });
});
