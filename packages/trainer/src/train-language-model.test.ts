import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { summarizeRun, type RunEvent } from '@bptt/server';
import { afterAll, describe, expect, it } from 'vitest';
import { InterruptedError } from './interruption.js';
import { storyFolder, trainStory } from './testing/story.js';

const folder = storyFolder();
afterAll(() => { rmSync(folder, { recursive: true }); });

describe('trainLanguageModel', () => {
  it('trains, tells how it goes, and says what came of it', async () => {
    const events: RunEvent[] = [];
    const run = await trainStory(folder, { steps: 30, lr: 1, hidden: 8, onProgress: (event) => events.push(event) });
    expect(run).toMatchObject({ outcome: 'finished', step: 30, runDirectory: join(folder, 'run') });
    expect(run.validLoss).toBeLessThan(run.unigramLoss);
    expect(events.filter(({ event }) => event === 'step')).toHaveLength(30);
    expect(events.find(({ event }) => event === 'done')).toMatchObject({ parametersSha256: run.parametersSha256, validLoss: run.validLoss });
  });

  it('trains on continuous text in chunks so short that some microshards read a word and predict none', async () => {
    const run = await trainStory(folder, { run: join(folder, 'short-chunks'), truncation: 'chunk:1', batch: 4, microshards: 4, epochs: 1, steps: undefined });
    expect(run).toMatchObject({ outcome: 'finished' });
    expect(run.step).toBeGreaterThan(40);
    expect(Number.isFinite(run.validLoss)).toBe(true);
  });

  it('leaves the hash of the average behind where that is what the run is judged by', async () => {
    const events: RunEvent[] = [];
    const run = await trainStory(folder, { run: join(folder, 'averaged'), optimizer: 'asgd', nonmono: 1, lr: 50, clip: 0, validEvery: 1, steps: 8, onProgress: (event) => events.push(event) });
    expect(events.some((event) => event.event === 'validation' && event.averaged)).toBe(true);
    expect(summarizeRun(run.runDirectory).hash).toEqual({ step: 8, parametersSha256: run.parametersSha256 });
  });

  it('stops after a checkpoint when it is told to, and goes on to where it would have been', async () => {
    const controller = new AbortController();
    const run = join(folder, 'stopped');
    const stopped = await trainStory(folder, { run, steps: 100_000, signal: controller.signal, onProgress: (event) => { if (event.event === 'step' && event.step === 3) controller.abort(); } });
    expect(stopped.outcome).toBe('interrupted');
    expect(existsSync(join(run, 'LATEST'))).toBe(true);
    const steps = stopped.step + 3;
    const resumed = await trainStory(folder, { run, steps, resume: true });
    const whole = await trainStory(folder, { run: join(folder, 'whole'), steps });
    expect(resumed).toMatchObject({ outcome: 'finished', step: steps, parametersSha256: whole.parametersSha256 });
  });

  it('makes nothing where it is stopped before it begins, or where a setting is bad', async () => {
    const run = join(folder, 'never');
    await expect(trainStory(folder, { run, signal: AbortSignal.abort() })).rejects.toBeInstanceOf(InterruptedError);
    await expect(trainStory(folder, { run, hidden: 0 })).rejects.toMatchObject({ code: 'invalid-argument', message: 'hidden: expected a whole number from 1 to 16777216, or several, got 0' });
    await expect(trainStory(folder, { run, resume: true, overwrite: true })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(trainStory(folder, { run, resume: true })).rejects.toMatchObject({ code: 'not-found' });
    expect(existsSync(run)).toBe(false);
  });
});
