import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { BpttError } from '@bptt/core';
import { writeCorpusFile, type Run } from './corpus-writer.js';
import { decodeUtf8 } from './decode-utf8.js';
import { createSentenceReader } from './sentence-reader.js';
import { SourceHash, SPLIT_NAMES, type SplitName, type TextSource } from './sources.js';
import { assignSplits, SPLIT_SENTENCES_MIN } from './split-assignment.js';
import type { TextOptions } from './text-options.js';
import { TokenSpool } from './token-spool.js';
import { selectVocabulary, Vocabulary } from './vocabulary.js';

/** Most tokens of a corpus, so that a position fits into 32 bits. */
const CORPUS_TOKENS_MAX = 0xffffffff;

export interface EncodingTask {
  readonly source: TextSource;
  readonly sourceSha256: string;
  readonly settings: TextOptions;
  /** Most words to keep, special tokens included, or a vocabulary of another text. */
  readonly vocabulary: number | Vocabulary;
  /** Whether a single text is one split, `train`. */
  readonly isWhole: boolean;
  /** Stops the reading of the text with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Encodes a text into the corpus file `path`, which appears only when it is complete. In memory are the distinct words and two bytes a
 * sentence; on disk, for the time being, four bytes a word more than the file. On an error nothing is left behind.
 * @throws BpttError `invalid-argument` for a text that is empty, too short to be split, or not UTF-8;
 *   `aborted` when the text changed since it was hashed; `resource-exhausted` beyond `DISTINCT_WORDS_MAX`
 */
export async function encodeCorpus(path: string, task: EncodingTask): Promise<void> {
  const directory = dirname(path);
  const firstMade = mkdirSync(directory, { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  let isDone = false;
  try {
    const spool = new TokenSpool(`${temporary}.words`);
    try {
      await encodeThrough(spool, temporary, task);
    } finally {
      spool.remove();
    }
    renameSync(temporary, path);
    isDone = true;
  } finally {
    if (!isDone) {
      rmSync(temporary, { force: true });
      removeMade(directory, firstMade);
    }
  }
}

async function encodeThrough(spool: TokenSpool, temporary: string, task: EncodingTask): Promise<void> {
  const { source, sourceSha256, settings } = task;
  const partEnds = await readParts(spool, task);
  const isVocabularyGiven = task.vocabulary instanceof Vocabulary;
  const splitOf = source.kind === 'splits' ? splitByPart(partEnds)
    : task.isWhole ? (): SplitName => 'train'
      : splitByBlock(spool, isVocabularyGiven ? 1 : SPLIT_SENTENCES_MIN, source.name);
  const runs = findRuns(spool, splitOf);
  const tokens = (runs.at(-1)?.wordsEnd ?? 0) + 2 * spool.sentences;
  if (tokens > CORPUS_TOKENS_MAX) throw new BpttError('resource-exhausted', `corpus ${source.name}: expected at most ${String(CORPUS_TOKENS_MAX)} tokens, got ${String(tokens)}`);
  const vocabulary = task.vocabulary instanceof Vocabulary ? task.vocabulary : selectVocabulary(spool.words, countWords(spool, runs), task.vocabulary);
  writeCorpusFile(temporary, { spool, runs, vocabulary, header: { settings, sourceSha256, isVocabularyGiven } });
}

/** Returns the count of sentences at the end of each part. */
async function readParts(spool: TokenSpool, { source, sourceSha256, settings, signal }: EncodingTask): Promise<number[]> {
  const hash = new SourceHash();
  const partEnds: number[] = [];
  for (const part of source.parts) {
    const before = spool.sentences;
    const reader = createSentenceReader(settings, (words, goesOn) => {
      spool.add(words, goesOn);
    });
    for await (const text of decodeUtf8(hash.through(part.bytes()), part.name)) {
      signal?.throwIfAborted();
      reader.push(text);
    }
    reader.end();
    if (spool.sentences === before) throw new BpttError('invalid-argument', `corpus ${part.name}: expected text, got none`);
    partEnds.push(spool.sentences);
  }
  if (hash.hex() !== sourceSha256) throw new BpttError('aborted', `corpus ${source.name}: the text changed while it was read`);
  return partEnds;
}

function splitByPart(partEnds: readonly number[]): (sentence: number) => SplitName {
  return (sentence) => SPLIT_NAMES[partEnds.findIndex((end) => sentence < end)];
}

/** Sentences are counted before long ones were cut, so that all kinds of tokens have the same splits. To be asked for sentence after sentence. */
function splitByBlock(spool: TokenSpool, sentencesMin: number, name: string): (sentence: number) => SplitName {
  let count = 0;
  for (let i = 0; i < spool.sentences; i += 1) if (!spool.goesOn(i)) count += 1;
  if (count < sentencesMin) {
    throw new BpttError('invalid-argument', `corpus ${name}: expected at least ${String(sentencesMin)} sentences, one each for training, validation and test, got ${String(count)}`);
  }
  const splitOf = assignSplits(count);
  let uncut = -1;
  return (sentence) => {
    if (!spool.goesOn(sentence)) uncut += 1;
    return splitOf(uncut);
  };
}

function findRuns(spool: TokenSpool, splitOf: (sentence: number) => SplitName): Run[] {
  const runs: Run[] = [];
  let words = 0;
  for (let i = 0; i < spool.sentences; i += 1) {
    const split = splitOf(i);
    const last = runs.at(-1);
    const wordsEnd = words + spool.lengthOf(i);
    if (last?.split === split) runs[runs.length - 1] = { ...last, end: i + 1, wordsEnd };
    else runs.push({ split, begin: i, end: i + 1, wordsBegin: words, wordsEnd });
    words = wordsEnd;
  }
  return runs;
}

/** How often each word occurs in the training text. */
function countWords(spool: TokenSpool, runs: readonly Run[]): Float64Array {
  const counts = new Float64Array(spool.words.length);
  for (const run of runs) {
    if (run.split !== 'train') continue;
    spool.read(run.wordsBegin, run.wordsEnd, (ids) => {
      for (const id of ids) counts[id] += 1;
    });
  }
  return counts;
}

/** Removes the folders that were made for nothing, from `directory` up to `firstMade`; one that is in use stays. */
function removeMade(directory: string, firstMade: string | undefined): void {
  if (firstMade === undefined) return;
  try {
    for (let folder = directory; !relative(firstMade, folder).startsWith('..'); folder = dirname(folder)) rmdirSync(folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
