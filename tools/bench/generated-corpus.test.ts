import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openCorpus } from '@bptt/data';
import { writeCorpus } from './generated-corpus.js';

it('a generated corpus has the vocabulary and the words that were asked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bptt-bench-test-'));
  try {
    await writeCorpus(join(folder, 'corpus'), 203, 2_000);
    const words = (await readFile(join(folder, 'corpus', 'train.txt'), 'utf8')).trim().split(/\s+/);
    expect(words).toHaveLength(2_000);
    expect(new Set(words).size).toBe(200);
    const corpus = await openCorpus(join(folder, 'corpus'), { tokens: 'whitespace', lowercase: true, sentences: 'auto', vocabulary: 203, cacheDirectory: join(folder, 'cache') });
    expect(corpus.vocabulary.size).toBe(203);
    corpus.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
