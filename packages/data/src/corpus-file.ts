import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { assert, BpttError } from '@bptt/core';
import { SPLIT_NAMES, type SplitName } from './sources.js';
import type { TextOptions } from './text-options.js';
import { SPECIAL_WORDS } from './vocabulary.js';

/**
 * An encoded corpus, little-endian:
 *
 * - 8 bytes `BPTTCORP`, uint32 version, uint32 length of the header
 * - the header, JSON padded with spaces to a multiple of 8 bytes
 * - for every sentence its length as uint16, the splits train, valid, test one after the other
 * - the tokens of the sentences in the same order, as uint16 where the vocabulary has at most 65,536 words, else as uint32
 * - SHA-256 of everything before
 */
export const CORPUS_MAGIC = 'BPTTCORP';
export const CORPUS_VERSION = 1;
export const PREAMBLE_BYTES = 16;
export const HASH_BYTES = 32;
const HEADER_BYTES_MAX = 1 << 30;
const CHUNK_BYTES = 1 << 20;
const SHORT_WORDS_MAX = 1 << 16;

/** What a corpus file says of itself. Nothing in it depends on the machine or the place of the text. */
export interface CorpusHeader {
  readonly settings: TextOptions;
  /** SHA-256 of the text, hex. */
  readonly sourceSha256: string;
  /** Words of the vocabulary but for the special tokens, from id 3 on. */
  readonly words: readonly string[];
  /** Whether the words were given, and not counted in the training text. */
  readonly isVocabularyGiven: boolean;
  readonly splits: Readonly<Record<SplitName, { readonly sentences: number; readonly tokens: number }>>;
}

/** An open corpus file whose hash was right. */
export interface CorpusFile {
  readonly header: CorpusHeader;
  /** SHA-256 of everything but the hash itself, hex. */
  readonly hash: string;
  /** Begin of every sentence among all tokens, and the end of the last. */
  readonly starts: Uint32Array;
  /** A fresh copy of the tokens `[begin, end)` of the file. */
  read(begin: number, end: number): Int32Array;
  close(): void;
}

/** Bytes of one token. */
export function tokenBytes(vocabulary: number): 2 | 4 {
  return vocabulary <= SHORT_WORDS_MAX ? 2 : 4;
}

/**
 * Opens a corpus file after reading all of it once to check its hash; only the lengths of the sentences stay in memory.
 * @throws BpttError `data-loss` when it is damaged, `failed-precondition` when another version wrote it, and what the file system throws
 */
export function openCorpusFile(path: string): CorpusFile {
  const file = openSync(path, 'r');
  try {
    const bytes = fstatSync(file).size;
    const headerBytes = readPreamble(file, bytes);
    const hash = checkHash(file, bytes);
    const header = JSON.parse(readBytes(file, PREAMBLE_BYTES, headerBytes).toString()) as CorpusHeader;
    return describeFile(file, { header, hash, lengthsAt: PREAMBLE_BYTES + headerBytes, bytes });
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

interface FileParts {
  readonly header: CorpusHeader;
  readonly hash: string;
  readonly lengthsAt: number;
  readonly bytes: number;
}

function describeFile(file: number, { header, hash, lengthsAt, bytes }: FileParts): CorpusFile {
  const sentences = SPLIT_NAMES.reduce((sum, split) => sum + header.splits[split].sentences, 0);
  const lengths = new Uint16Array(sentences);
  readInto(file, lengths, lengthsAt);
  const starts = new Uint32Array(sentences + 1);
  for (let i = 0; i < sentences; i += 1) starts[i + 1] = starts[i] + lengths[i];
  const tokensAt = lengthsAt + lengths.byteLength;
  const width = tokenBytes(SPECIAL_WORDS.length + header.words.length);
  const expected = tokensAt + starts[sentences] * width + HASH_BYTES;
  if (expected !== bytes) throw damaged(`expected ${String(expected)} bytes, got ${String(bytes)}`);
  let isOpen = true;
  return {
    header,
    hash,
    starts,
    read(begin, end) {
      assert(isOpen, () => 'corpus: read after close');
      const stored = width === 2 ? new Uint16Array(end - begin) : new Uint32Array(end - begin);
      readInto(file, stored, tokensAt + begin * width);
      return Int32Array.from(stored);
    },
    close() {
      if (isOpen) closeSync(file);
      isOpen = false;
    },
  };
}

/** Returns the bytes of the header. */
function readPreamble(file: number, bytes: number): number {
  if (bytes < PREAMBLE_BYTES + HASH_BYTES) throw damaged(`expected at least ${String(PREAMBLE_BYTES + HASH_BYTES)} bytes, got ${String(bytes)}`);
  const preamble = readBytes(file, 0, PREAMBLE_BYTES);
  const magic = preamble.toString('latin1', 0, 8);
  if (magic !== CORPUS_MAGIC) throw damaged(`expected it to begin with ${CORPUS_MAGIC}, got ${JSON.stringify(magic)}`);
  const version = preamble.readUInt32LE(8);
  if (version !== CORPUS_VERSION) throw new BpttError('failed-precondition', `corpus file: expected version ${String(CORPUS_VERSION)}, got ${String(version)}`);
  const headerBytes = preamble.readUInt32LE(12);
  if (headerBytes > Math.min(HEADER_BYTES_MAX, bytes - PREAMBLE_BYTES - HASH_BYTES)) throw damaged(`a header of ${String(headerBytes)} bytes does not fit into ${String(bytes)} bytes`);
  return headerBytes;
}

function checkHash(file: number, bytes: number): string {
  const hash = createHash('sha256');
  const end = bytes - HASH_BYTES;
  for (let at = 0; at < end; at += CHUNK_BYTES) hash.update(readBytes(file, at, Math.min(CHUNK_BYTES, end - at)));
  const computed = hash.digest('hex');
  const stored = readBytes(file, end, HASH_BYTES).toString('hex');
  if (computed !== stored) throw damaged(`expected sha256 ${stored}, got ${computed}`);
  return computed;
}

function readBytes(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readInto(file, bytes, at);
  return bytes;
}

function readInto(file: number, into: NodeJS.ArrayBufferView, at: number): void {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(file, bytes, done, bytes.length - done, at + done);
    if (count === 0) throw damaged(`expected ${String(bytes.length)} bytes at ${String(at)}, got ${String(done)}`);
    done += count;
  }
}

function damaged(reason: string): BpttError {
  return new BpttError('data-loss', `corpus file is damaged: ${reason}`);
}
