import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTemporaryFolder } from './temporary-folder.js';
import type { Workload } from './workload.js';
import { zipfTable, zipfWords } from './zipf.js';

const SEED = 1;
const LINE_WORDS = 20;
/** Words of the held-out texts: a run validates at its end, which nobody waits for. */
const HELD_OUT_WORDS = 400;

/** Special tokens of a vocabulary. */
const SPECIAL_TOKENS = 3;

/**
 * Writes a corpus, words by Zipf's law, into `folder`: `train.txt`, `valid.txt` and `test.txt`, one sentence a line, for `--tokens whitespace`.
 * @param vocabulary words with the special tokens; each occurs, so that there must be as many words as that at least
 */
export async function writeCorpus(folder: string, vocabulary: number, trainWords: number): Promise<void> {
  const known = vocabulary - SPECIAL_TOKENS;
  const table = zipfTable(known);
  await mkdir(folder, { recursive: true });
  const write = (name: string, words: Int32Array): Promise<void> => writeFile(join(folder, name), linesOf(words));
  const drawn = zipfWords(table, trainWords, { seed: SEED, index: 0 });
  // So that each occurs.
  for (let word = 0; word < known; word += 1) drawn[word] = word;
  await write('train.txt', drawn);
  await write('valid.txt', zipfWords(table, HELD_OUT_WORDS, { seed: SEED, index: 1 }));
  await write('test.txt', zipfWords(table, HELD_OUT_WORDS, { seed: SEED, index: 2 }));
}

function linesOf(words: Int32Array): string {
  const lines = Array.from({ length: Math.ceil(words.length / LINE_WORDS) }, (_, i) => Array.from(words.subarray(i * LINE_WORDS, (i + 1) * LINE_WORDS), (word) => `w${String(word)}`).join(' '));
  return `${lines.join('\n')}\n`;
}

/** Where a run reads and writes. */
export interface RunPlace {
  readonly corpus: string;
  readonly cache: string;
  readonly run: string;
}

/** A corpus for `workload` for as long as `use` takes. What that gets returns places of runs on it, another one at each call. */
export function withCorpus<T>({ model }: Workload, trainWords: number, use: (newPlace: () => RunPlace) => Promise<T>): Promise<T> {
  return withTemporaryFolder('bptt-bench-', async (folder) => {
    const [corpus, cache] = [join(folder, 'corpus'), join(folder, 'cache')];
    await writeCorpus(corpus, model.vocabulary, trainWords);
    let runs = 0;
    return use(() => {
      runs += 1;
      return { corpus, cache, run: join(folder, `run-${String(runs)}`) };
    });
  });
}
