import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BpttError } from '@bptt/core';
import { DATASET_NAMES, loadDataset } from './datasets.js';

export const SPLIT_NAMES = ['train', 'valid', 'test'] as const;
export type SplitName = (typeof SPLIT_NAMES)[number];

/** One stretch of text. Every call of `bytes` reads it anew. */
export interface SourcePart {
  /** For messages. */
  readonly name: string;
  bytes(): AsyncIterable<Uint8Array>;
}

/** Where text comes from: one text that is to be split, or one for each split. */
export type TextSource =
  | { readonly kind: 'text'; readonly name: string; readonly parts: readonly [SourcePart] }
  | { readonly kind: 'splits'; readonly name: string; readonly parts: readonly [train: SourcePart, valid: SourcePart, test: SourcePart] };

/** What a built-in corpus is named with. */
export const DATASET_PREFIX = 'dataset:';
const CHUNK_BYTES = 1 << 16;

/**
 * Finds a file, a folder with `train.txt`, `valid.txt` and `test.txt`, or `dataset:name`.
 * @throws BpttError `not-found`, `permission-denied`, or `invalid-argument` for an unknown data set and for what is neither file nor folder
 */
export async function openSource(source: string): Promise<TextSource> {
  if (source.startsWith(DATASET_PREFIX)) return datasetSource(source);
  const stats = await statOf(source);
  if (stats === undefined) throw new BpttError('not-found', `corpus ${source}: expected a file, a folder or ${DATASET_PREFIX}name, found nothing`);
  if (stats.isFile()) return { kind: 'text', name: source, parts: [filePart(source)] };
  if (!stats.isDirectory()) throw new BpttError('invalid-argument', `corpus ${source}: expected a file or a folder, got neither`);
  const paths = SPLIT_NAMES.map((split) => join(source, `${split}.txt`));
  const found = await Promise.all(paths.map(async (path) => (await statOf(path))?.isFile() === true));
  const missing = SPLIT_NAMES.filter((_, i) => !found[i]).map((split) => `${split}.txt`);
  if (missing.length > 0) throw new BpttError('not-found', `corpus folder ${source}: expected train.txt, valid.txt and test.txt, missing ${missing.join(', ')}`);
  return { kind: 'splits', name: source, parts: [filePart(paths[0]), filePart(paths[1]), filePart(paths[2])] };
}

/** SHA-256 of a source: of the digests of its parts, so that the cut between them counts. */
export class SourceHash {
  readonly #parts: string[] = [];

  /** Passes the bytes of one part on and adds them to the hash when they have ended. */
  async *through(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    for await (const chunk of bytes) {
      hash.update(chunk);
      yield chunk;
    }
    this.#parts.push(hash.digest('hex'));
  }

  hex(): string {
    return createHash('sha256').update(this.#parts.join('\n')).digest('hex');
  }
}

/** SHA-256 of all that `source` holds now. */
export async function hashSource(source: TextSource, signal?: AbortSignal): Promise<string> {
  const hash = new SourceHash();
  for (const part of source.parts) {
    const chunks = hash.through(part.bytes());
    while ((await chunks.next()).done !== true) signal?.throwIfAborted();
  }
  return hash.hex();
}

function datasetSource(source: string): TextSource {
  const name = source.slice(DATASET_PREFIX.length);
  const documents = loadDataset(name);
  if (documents === undefined) throw new BpttError('invalid-argument', `corpus ${source}: expected one of ${DATASET_NAMES.map((known) => DATASET_PREFIX + known).join(', ')}`);
  return { kind: 'text', name: source, parts: [{ name: source, bytes: () => encodeDocuments(documents) }] };
}

// eslint-disable-next-line @typescript-eslint/require-await -- the other sources are really asynchronous
async function* encodeDocuments(documents: readonly string[]): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const document of documents) yield encoder.encode(`${document}\n\n`);
}

function filePart(path: string): SourcePart {
  return { name: path, bytes: () => readChunks(path) };
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) yield chunk as Uint8Array;
  } catch (cause) {
    throw fileError(path, cause);
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    const error = fileError(path, cause);
    if (error.code === 'not-found') return undefined;
    throw error;
  }
}

function fileError(path: string, cause: unknown): BpttError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return new BpttError('not-found', `${path}: no such file`, { cause });
  if (code === 'EACCES' || code === 'EPERM') return new BpttError('permission-denied', `${path}: not allowed to read it`, { cause });
  return new BpttError('invalid-argument', `${path}: cannot be read (${String(cause)})`, { cause });
}
