import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Vocabulary } from '@bptt/data';
import type { LanguageModel } from '@bptt/trainer';
import { afterAll, describe, expect, it } from 'vitest';
import { assertLines, countCharacters, openScoredText } from './scored-text.js';

const folder = mkdtempSync(join(tmpdir(), 'bptt-scored-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const LINES = Array.from({ length: 300 }, (_, i) => `${'a '.repeat(i % 3)}b`);
const model = { vocabulary: new Vocabulary(['a', 'b']), textOptions: { tokens: 'word', lowercase: true, sentences: 'line' } } as unknown as LanguageModel;
const open = (source: string) => openScoredText(source, model, join(folder, 'cache'));

describe('openScoredText', () => {
  it('takes all of a file, in its order', async () => {
    const path = join(folder, 'lines.txt');
    writeFileSync(path, LINES.join('\n'));
    const text = await open(path);
    expect(text).toMatchObject({ name: `all of ${path}`, characters: LINES.join('\n').length, warnings: [] });
    expect(Array.from({ length: text.split.sentences }, (_, i) => text.split.sentenceLength(i))).toEqual(LINES.map((_, i) => 3 + (i % 3)));
    text.close();
  });

  it('takes the test split of a folder and of a data set', async () => {
    mkdirSync(join(folder, 'splits'));
    for (const name of ['train', 'valid', 'test']) writeFileSync(join(folder, 'splits', `${name}.txt`), name === 'test' ? 'b a b' : 'a');
    const text = await open(join(folder, 'splits'));
    expect(text).toMatchObject({ name: `test split of ${join(folder, 'splits')}`, characters: 5, split: { sentences: 1, tokens: 4 } });
    text.close();
    const set = await open('dataset:sotu');
    expect(set).toMatchObject({ name: 'test split of dataset:sotu', characters: undefined });
    expect(set.split.tokens).toBeGreaterThan(1000);
    set.close();
  });

  it('refuses what is not there', async () => {
    await expect(open(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('assertLines', () => {
  it('lets files and standard input through', async () => {
    writeFileSync(join(folder, 'file.txt'), 'a');
    await assertLines(join(folder, 'file.txt'));
    await assertLines('-');
    await expect(assertLines(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(assertLines(folder)).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(assertLines('dataset:sotu')).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});

describe('countCharacters', () => {
  it('counts code points, not bytes or UTF-16 units', async () => {
    const content = 'a\u00e9\u4e2d\u{1f40b}\n'.repeat(30_000);
    writeFileSync(join(folder, 'text.txt'), content);
    expect(await countCharacters(join(folder, 'text.txt'))).toBe(5 * 30_000);
  });
});
