import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRunFolder } from './run-folder.js';
import { summarizeRun } from './run-summary.js';
import { tinyConfig } from './testing/index.js';

let parent: string;
let run: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'bptt-summary-'));
  run = join(parent, 'run');
  openRunFolder({ runDirectory: run, config: tinyConfig(), corpusHash: 'abc', backendId: 'simd/1', vocabularyJson: ['a'], resume: false, overwrite: false });
});
afterEach(() => { rmSync(parent, { recursive: true }); });

function writeMetrics(...events: readonly object[]): void {
  writeFileSync(join(run, 'metrics.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

describe('summarizeRun', () => {
  it('has no losses where nothing was measured', () => {
    expect(summarizeRun(run)).toMatchObject({ step: 0, trainLoss: NaN, validLoss: NaN, bestValidLoss: NaN, hash: undefined });
  });

  it('takes the best loss from the validations that count, and the last from all', () => {
    const validation = { event: 'validation', improved: false };
    writeMetrics({ ...validation, step: 4, validLoss: 3, improved: true }, { ...validation, step: 8, validLoss: 2.5, improved: true }, { ...validation, step: 12, validLoss: null }, { ...validation, step: 13, validLoss: 2 });
    expect(summarizeRun(run)).toMatchObject({ validLoss: 2, bestValidLoss: 2.5 });
    writeMetrics({ ...validation, step: 3, validLoss: 2 });
    expect(summarizeRun(run)).toMatchObject({ validLoss: 2, bestValidLoss: NaN });
  });

  it('has the hash of the last checkpoint, or of the last step where that came later', () => {
    const journal = (...lines: readonly object[]): void => { writeFileSync(join(run, 'journal.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join('')); };
    const checkpoint = { event: 'checkpoint', path: 'p' };
    journal({ step: 10, parametersSha256: 'aa' }, { step: 11 });
    expect(summarizeRun(run).hash).toEqual({ step: 10, parametersSha256: 'aa' });
    writeMetrics({ ...checkpoint, step: 5, parametersSha256: 'bb' }, { ...checkpoint, step: 10, parametersSha256: 'cc' });
    expect(summarizeRun(run).hash).toEqual({ step: 10, parametersSha256: 'cc' });
    journal({ step: 20, parametersSha256: 'dd' });
    expect(summarizeRun(run).hash).toEqual({ step: 20, parametersSha256: 'dd' });
  });

  it.each(['config.json', 'metrics.jsonl', 'journal.jsonl'])('refuses a damaged %s, but for a torn last line of what only grows', (name) => {
    writeFileSync(join(run, name), '{"torn\n');
    expect(() => summarizeRun(run)).toThrow(expect.objectContaining({ code: 'data-loss', message: expect.stringContaining(join(run, name)) as string }) as Error);
    if (name === 'config.json') return;
    writeFileSync(join(run, name), '{"torn');
    expect(summarizeRun(run).step).toBe(0);
  });
});
