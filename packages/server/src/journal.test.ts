import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalledHashes, LineFile, readJournal, SYNC_LINES } from './journal.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-journal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function fail(error: Error): never {
  throw error;
}

describe('LineFile', () => {
  it('has a line when append returns, and on disk when it is synced', () => {
    const path = join(folder, 'lines');
    const file = new LineFile(path, fail);
    file.append({ loss: 0.1 + 0.2 });
    expect(readFileSync(path, 'utf8')).toBe('{"loss":0.30000000000000004}\n');
    expect(file.linesDurable).toBe(0);
    file.sync();
    expect(file.linesDurable).toBe(1);
    file.close();
  });

  it('syncs by itself after enough lines', async () => {
    const file = new LineFile(join(folder, 'lines'), fail);
    for (let i = 0; i < SYNC_LINES; i += 1) file.append({ i });
    while (file.linesDurable === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(file.linesDurable).toBe(SYNC_LINES);
    file.close();
  });

  it('cuts a torn line off and goes on behind the last whole one', () => {
    const path = join(folder, 'lines');
    writeFileSync(path, '{"step":1}\n{"st');
    const file = new LineFile(path, fail);
    file.append({ step: 2 });
    file.close();
    expect(readFileSync(path, 'utf8')).toBe('{"step":1}\n{"step":2}\n');
  });
});

describe('readJournal', () => {
  it('leaves a torn line out, and an absent file is empty', () => {
    const path = join(folder, 'journal.jsonl');
    expect(readJournal(path)).toEqual([]);
    writeFileSync(path, '{"step":64,"parametersSha256":"abc"}\n{"step":65}\n{"step":66,"para');
    expect(readJournal(path).map(({ step }) => step)).toEqual([64, 65]);
    expect(journalledHashes(readJournal(path))).toEqual(new Map([[64, 'abc']]));
  });
});
