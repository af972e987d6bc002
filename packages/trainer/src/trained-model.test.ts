import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors } from '@bptt/interop';
import { createBackend } from '@bptt/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyFolder, trainStory } from './testing/story.js';
import { loadTrainedModel } from './trained-model.js';

const folder = storyFolder();
const run = join(folder, 'run');
const last = { checkpoint: 'last', onWarning: (message: string): void => { throw new Error(message); } } as const;

beforeAll(() => trainStory(folder));
afterAll(() => { rmSync(folder, { recursive: true }); });

function copyOfRun(): string {
  const copy = mkdtempSync(join(folder, 'copy-'));
  cpSync(run, copy, { recursive: true });
  return copy;
}

describe('loadTrainedModel', () => {
  it('reads what training left', async () => {
    expect(loadTrainedModel(run, last)).toMatchObject({ step: 2, text: { tokens: 'word', lowercase: true, sentences: 'auto' }, model: { hidden: [3], vocabulary: 11 }, backendId: (await createBackend('auto')).id });
  });

  it('refuses a folder without a run, and one whose vocabulary or checkpoint is damaged', () => {
    expect(() => loadTrainedModel(join(folder, 'cache'), last)).toThrow(expect.objectContaining({ code: 'not-found' }));
    for (const name of ['vocabulary.json', join('checkpoints', readdirSync(join(run, 'checkpoints'))[0])]) {
      const copy = copyOfRun();
      writeFileSync(join(copy, name), '{}');
      expect(() => loadTrainedModel(copy, { ...last, onWarning: () => undefined })).toThrow(expect.objectContaining({ code: 'data-loss' }));
    }
  });

  it('reads the best checkpoint, refuses where there is none, and notices damage', () => {
    const copy = copyOfRun();
    const best = join(copy, 'checkpoints', 'best.safetensors');
    const options = { ...last, checkpoint: 'best' } as const;
    rmSync(best, { force: true });
    expect(() => loadTrainedModel(copy, options)).toThrow(expect.objectContaining({ code: 'not-found', message: expect.stringContaining('best.safetensors, found none') as unknown }));
    copyFileSync(join(run, 'checkpoints', 'step-00000002.safetensors'), best);
    expect(loadTrainedModel(copy, options)).toEqual(loadTrainedModel(run, last));
    const bytes = readFileSync(best);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(best, bytes);
    expect(() => loadTrainedModel(copy, options)).toThrow(expect.objectContaining({ code: 'data-loss', message: expect.stringContaining('sha256') as unknown }));
    const { tensors, metadata } = decodeSafetensors(readFileSync(join(run, 'checkpoints', 'step-00000002.safetensors')));
    writeFileSync(best, encodeSafetensors([...tensors, { name: 'stray', shape: [1], values: Float32Array.of(1) }], metadata));
    expect(() => loadTrainedModel(copy, options)).toThrow(expect.objectContaining({ code: 'data-loss', message: expect.stringContaining('got also stray') as unknown }));
  });
});
