import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assert, BpttError } from '@bptt/core';
import { encodeCorpus, type EncodingTask } from './corpus-encoder.js';
import { CORPUS_VERSION, openCorpusFile, type CorpusFile } from './corpus-file.js';
import { hashSource, openSource, SPLIT_NAMES } from './sources.js';
import { createSplit, type Split } from './split.js';
import { SENTENCE_RULES, sentenceRule, TOKEN_KINDS, type TextOptions } from './text-options.js';
import { Vocabulary, VOCABULARY_WORDS_MAX, VOCABULARY_WORDS_MIN } from './vocabulary.js';

/** How a corpus is encoded, and where it is kept. */
export interface CorpusOptions extends TextOptions {
  /**
   * Most words to keep (`V`, special tokens included), counted in the training text; or the vocabulary of another text, with which a text is
   * scored: then the text may be of any length, and validation and test may be empty.
   */
  readonly vocabulary: number | Vocabulary;
  /** Folder of encoded corpora; made when it is missing. */
  readonly cacheDirectory: string;
  /** Do not split a single text: all of it, in its order, is `train`, and validation and test are empty. Wants a given vocabulary. Default false. */
  readonly whole?: boolean;
  /** Stops the reading of a text; its reason is thrown, and nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
}

/** A text as token ids, in a file. */
export interface Corpus {
  /** SHA-256 of the encoded file, hex: the same for the same text and options, wherever they lie. */
  readonly hash: string;
  readonly vocabulary: Vocabulary;
  readonly train: Split;
  readonly valid: Split;
  readonly test: Split;
  /** The three splits one after the other. */
  readonly all: Split;
  /** What a person should know, for instance that a damaged file was replaced. */
  readonly warnings: readonly string[];
  /** Closes the file. The splits cannot be read afterwards. */
  close(): void;
}

/**
 * Opens a corpus: a UTF-8 text file, a folder with `train.txt`, `valid.txt` and `test.txt`, or `dataset:name`. It is encoded once and
 * reused as long as text and options stay the same. A text of any size is read in pieces and never held in memory.
 * @throws BpttError `not-found`, `permission-denied` or `invalid-argument`: no such corpus, empty, not UTF-8, too few sentences
 */
export async function openCorpus(source: string, options: CorpusOptions): Promise<Corpus> {
  checkOptions(options);
  const text = await openSource(source);
  const settings = { tokens: options.tokens, lowercase: options.lowercase, sentences: sentenceRule(options) };
  const task: EncodingTask = {
    source: text, sourceSha256: await hashSource(text, options.signal), settings, vocabulary: options.vocabulary, isWhole: options.whole ?? false, signal: options.signal,
  };
  const path = join(options.cacheDirectory, fileName(task));
  const warnings: string[] = [];
  let file = reuse(path, task, warnings);
  if (file === undefined) {
    await encodeCorpus(path, task);
    file = openCorpusFile(path);
  }
  return describeCorpus(file, warnings);
}

function checkOptions({ tokens, sentences, vocabulary, whole = false }: CorpusOptions): void {
  assert(TOKEN_KINDS.includes(tokens) && SENTENCE_RULES.includes(sentences), () => `corpus: unknown tokens ${tokens} or sentences ${sentences}`);
  assert(!whole || vocabulary instanceof Vocabulary, () => 'corpus: whole without a vocabulary');
  if (vocabulary instanceof Vocabulary) return;
  if (!Number.isInteger(vocabulary) || vocabulary < VOCABULARY_WORDS_MIN || vocabulary > VOCABULARY_WORDS_MAX) {
    throw new BpttError('invalid-argument', `vocabulary: expected a whole number from ${String(VOCABULARY_WORDS_MIN)} (3 special tokens and a word) to ${String(VOCABULARY_WORDS_MAX)}, got ${String(vocabulary)}`);
  }
}

/** Names text, settings, and the Unicode tables that segmented it. */
function fileName({ sourceSha256, settings, vocabulary, isWhole }: EncodingTask): string {
  const { tokens, lowercase, sentences } = settings;
  const words = vocabulary instanceof Vocabulary ? sha256(JSON.stringify(vocabulary)) : vocabulary;
  const key = JSON.stringify([CORPUS_VERSION, process.versions.icu ?? '', tokens, lowercase, sentences, words, ...(isWhole ? ['whole'] : [])]);
  return `${sourceSha256.slice(0, 24)}-${sha256(key).slice(0, 24)}.corpus`;
}

function reuse(path: string, task: EncodingTask, warnings: string[]): CorpusFile | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const file = openCorpusFile(path);
    if (file.header.sourceSha256 === task.sourceSha256) return file;
    file.close();
    throw new BpttError('data-loss', `corpus file is of another text: expected sha256 ${task.sourceSha256}, got ${file.header.sourceSha256}`);
  } catch (error) {
    if (!(error instanceof BpttError)) throw error;
    warnings.push(`${path}: ${error.message}; encoding the text again`);
    return undefined;
  }
}

function describeCorpus(file: CorpusFile, warnings: readonly string[]): Corpus {
  const { header, hash, starts } = file;
  const ends: number[] = [];
  for (const split of SPLIT_NAMES) ends.push((ends.at(-1) ?? 0) + header.splits[split].sentences);
  const split = (begin: number, end: number): Split => createSplit({ starts: starts.subarray(begin, end + 1), read: (from, to) => file.read(from, to) });
  return {
    hash,
    vocabulary: new Vocabulary(header.words),
    train: split(0, ends[0]),
    valid: split(ends[0], ends[1]),
    test: split(ends[1], ends[2]),
    all: split(0, ends[2]),
    warnings,
    close: () => {
      file.close();
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
