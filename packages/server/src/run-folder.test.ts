import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OBJECTIVE_DEFAULTS } from '@bptt/core';
import { openRunFolder, readStoredRun, type RunFolderOptions } from './run-folder.js';
import { runId } from './run-config.js';
import { tinyConfig } from './testing/tiny-run.js';

let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'bptt-folder-'));
});
afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

function open(changes: Partial<RunFolderOptions> = {}): void {
  openRunFolder({ runDirectory: join(parent, 'run'), config: tinyConfig(), corpusHash: 'abc', backendId: 'simd/1', vocabularyJson: ['a'], resume: false, overwrite: false, ...changes });
}

describe('a run folder', () => {
  it('keeps configuration and vocabulary', () => {
    open();
    expect(readStoredRun(join(parent, 'run'))).toMatchObject({ config: tinyConfig(), corpusHash: 'abc', backendId: 'simd/1' });
    expect(JSON.parse(readFileSync(join(parent, 'run', 'vocabulary.json'), 'utf8'))).toEqual(['a']);
  });

  it('is not overwritten unless that is asked for', () => {
    open();
    expect(() => { open(); }).toThrow(expect.objectContaining({ code: 'already-exists' }) as Error);
    writeFileSync(join(parent, 'run', 'journal.jsonl'), 'x\n');
    open({ overwrite: true, corpusHash: 'def' });
    expect(existsSync(join(parent, 'run', 'journal.jsonl'))).toBe(false);
    expect(readStoredRun(join(parent, 'run')).corpusHash).toBe('def');
  });

  it('of something else is never overwritten', () => {
    writeFileSync(join(parent, 'letter.txt'), 'dear');
    expect(() => { open({ runDirectory: parent, overwrite: true }); }).toThrow(expect.objectContaining({ code: 'not-found' }) as Error);
    expect(existsSync(join(parent, 'letter.txt'))).toBe(true);
  });

  it('is gone on with only where there is one', () => {
    expect(() => { open({ resume: true }); }).toThrow(expect.objectContaining({ code: 'not-found' }) as Error);
  });

  it.each([
    ['configuration', { config: tinyConfig({ learningRate: 2 }) }, 'learningRate was 0.5, given 2'],
    ['part of the configuration', { config: tinyConfig({ objective: { ...OBJECTIVE_DEFAULTS, truncation: { kind: 'window', k: 4 } } }) }, 'objective.truncation.k was not set, given 4'],
    ['corpus', { corpusHash: 'def' }, 'corpus.hash was "abc", given "def"'],
    ['backend', { backendId: 'reference/1' }, 'backend was "simd/1", given "reference/1"'],
  ])('is not gone on with by another %s, and says which', (_what, changes, text) => {
    open();
    expect(() => { open({ resume: true, ...changes }); }).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(text) as string }) as Error);
  });

  it('is gone on with by another name of the corpus and other checkpoints', () => {
    open();
    const config = tinyConfig({ checkpointEvery: 7, corpus: { ...tinyConfig().corpus, source: 'elsewhere' } });
    open({ resume: true, config });
    expect(runId(config, 'abc', 'simd/1')).toBe(runId(tinyConfig(), 'abc', 'simd/1'));
  });
});
