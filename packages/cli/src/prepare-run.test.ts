import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initializeParameters, parameterLayout } from '@bptt/core';
import { encodeSafetensors, toStateDict } from '@bptt/interop';
import { startParameterServer } from '@bptt/server';
import { tinyConfig } from '@bptt/server/testing';
import { readTrainingFlags, type Flags } from './config.js';
import { InterruptedError } from './exit-codes.js';
import { assertPortFree, prepareRun } from './prepare-run.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-prepare-'));
  writeFileSync(join(folder, 'story.txt'), Array.from({ length: 40 }, (_, i) => `the ${['whale', 'ship', 'sea'][i % 3]} is ${['old', 'white'][i % 2]}.\n\n`).join(''));
});
afterEach(() => { rmSync(folder, { recursive: true }); });

async function prepare(flags: Flags, signal = new AbortController().signal) {
  const request = await readTrainingFlags({ cache: join(folder, 'cache', 'deep'), run: join(folder, 'run'), vocabulary: 9, batch: 4, hidden: 3, backend: 'reference', ...flags });
  return prepareRun(join(folder, 'story.txt'), request, signal);
}

describe('prepareRun', () => {
  it('counts steps from epochs unless steps are given, and makes no run folder', async () => {
    const prepared = await prepare({ epochs: 3 });
    expect(prepared.server.stepsTotal).toBe(3 * prepared.server.data.stepsPerEpoch);
    expect(prepared.server).toMatchObject({ backendId: 'reference/1', resume: false, overwrite: false, config: { microshards: 4 } });
    expect(prepared.unigramLoss).toBeGreaterThan(0);
    expect(prepared.notes.join('\n')).toContain('vocabulary 9');
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

  it('uses an empty run folder', async () => {
    mkdirSync(join(folder, 'run'));
    (await prepare({})).corpus.close();
  });

  it('stops when it is interrupted', async () => {
    await expect(prepare({}, AbortSignal.abort())).rejects.toBeInstanceOf(InterruptedError);
    expect(existsSync(join(folder, 'cache', 'deep'))).toBe(false);
  });

  it('starts from another run or a file, which the configuration names by hash, and goes on without it', async () => {
    const model = { ...tinyConfig().model, vocabulary: 9, hidden: 3, embedding: 128 };
    const weights = initializeParameters(model, 77);
    const path = join(folder, 'weights.safetensors');
    writeFileSync(path, encodeSafetensors(toStateDict(parameterLayout(model), weights), {}));
    const prepared = await prepare({ initFrom: path, seed: 5 });
    expect(prepared.server.initialParameters).toEqual(weights);
    expect(prepared.server.config.initialParametersSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(prepared.notes).toContain(`starts from ${path}`);
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

describe('assertPortFree', () => {
  it('refuses a port that is in use and an address that others can reach', async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${String((busy.address() as AddressInfo).port)}`;
    await expect(assertPortFree(address)).rejects.toMatchObject({ code: 'already-exists', message: `listen: expected a free port, got ${address} (the port is in use)` });
    await new Promise((resolve) => busy.close(resolve));
    await assertPortFree(address);
    await assertPortFree('127.0.0.1:0');
    await expect(assertPortFree('0.0.0.0:0')).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(assertPortFree('nowhere')).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});
