import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BpttError } from '@bptt/core';
import { DATASET_PREFIX, openCorpus, type Corpus, type Split } from '@bptt/data';
import type { LanguageModel } from '@bptt/trainer';

/** What stands for standard input where a file is asked for. */
export const STANDARD_INPUT = '-';
/** What people call it. */
export const STANDARD_INPUT_NAME = 'standard input';

/** A text that is scored. */
export interface ScoredText {
  /** What of it, for people. */
  readonly name: string;
  readonly split: Split;
  /** Unicode code points of the text; undefined where they are not counted: of a data set, whose splits are blocks of sentences. */
  readonly characters: number | undefined;
  readonly warnings: readonly string[];
  close(): void;
}

/**
 * Opens a text for a model: of a file or of standard input all, of a folder or a data set the test split. It is read in pieces and never held in memory.
 * @throws BpttError as `openCorpus`
 */
export async function openScoredText(source: string, model: LanguageModel, cacheDirectory: string): Promise<ScoredText> {
  if (source === STANDARD_INPUT) return openStandardInput(model);
  const options = { ...model.textOptions, vocabulary: model.vocabulary, cacheDirectory };
  const isDataset = source.startsWith(DATASET_PREFIX);
  const isFile = !isDataset && (await stat(source).catch(() => undefined))?.isFile() === true;
  const corpus = await openCorpus(source, { ...options, whole: isFile });
  if (isFile) return wholeOf(corpus, source, await countCharacters(source));
  const characters = isDataset ? undefined : await countCharacters(join(source, 'test.txt'));
  return { name: `test split of ${source}`, split: corpus.test, characters, warnings: corpus.warnings, close: () => { corpus.close(); } };
}

/** Bytes of a file or of standard input. */
export function openBytes(source: string): AsyncIterable<Uint8Array> {
  return source === STANDARD_INPUT ? process.stdin : createReadStream(source);
}

/** @throws BpttError `invalid-argument` for what has no lines, `not-found` */
export async function assertLines(source: string): Promise<void> {
  if (source === STANDARD_INPUT) return;
  const stats = await stat(source).catch(() => undefined);
  if (stats?.isFile() === true) return;
  const wrong = source.startsWith(DATASET_PREFIX) || stats !== undefined;
  throw new BpttError(wrong ? 'invalid-argument' : 'not-found', `corpus ${source}: expected a file or - for standard input with --per-line, ${wrong ? 'got neither' : 'found nothing'}`);
}

/** Standard input can be read once, a text must be read twice: it lies in a temporary folder meanwhile. */
async function openStandardInput(model: LanguageModel): Promise<ScoredText> {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-stdin-'));
  const path = join(folder, 'text.txt');
  const remove = (): void => { rmSync(folder, { recursive: true, force: true }); };
  try {
    await pipeline(process.stdin, createWriteStream(path));
    const corpus = await openCorpus(path, { ...model.textOptions, vocabulary: model.vocabulary, cacheDirectory: folder, whole: true });
    const text = wholeOf(corpus, STANDARD_INPUT_NAME, await countCharacters(path));
    return { ...text, close: () => { text.close(); remove(); } };
  } catch (error) {
    remove();
    // Nobody knows the file that it lies in.
    throw error instanceof BpttError ? new BpttError(error.code, error.message.replaceAll(path, STANDARD_INPUT_NAME), { cause: error }) : error;
  }
}

/** Of a text that is not split, all sentences are in the training split, in their order. */
function wholeOf(corpus: Corpus, name: string, characters: number): ScoredText {
  return { name: `all of ${name}`, split: corpus.train, characters, warnings: corpus.warnings, close: () => { corpus.close(); } };
}

/** Unicode code points of a UTF-8 file. */
export async function countCharacters(path: string): Promise<number> {
  let count = 0;
  // Every code point has exactly one byte that does not continue another.
  for await (const chunk of createReadStream(path)) for (const byte of chunk as Buffer) if ((byte & 0xc0) !== 0x80) count += 1;
  return count;
}
