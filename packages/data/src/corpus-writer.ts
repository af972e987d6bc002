import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { CORPUS_MAGIC, CORPUS_VERSION, PREAMBLE_BYTES, tokenBytes, type CorpusHeader } from './corpus-file.js';
import { SPLIT_NAMES, type SplitName } from './sources.js';
import type { TokenSpool } from './token-spool.js';
import { SENTENCE_END, SENTENCE_START, SPECIAL_WORDS, UNKNOWN_TOKEN, type Vocabulary } from './vocabulary.js';

/** Neighbouring sentences of one split: sentences `[begin, end)` of a text, words `[wordsBegin, wordsEnd)`. */
export interface Run {
  readonly split: SplitName;
  readonly begin: number;
  readonly end: number;
  readonly wordsBegin: number;
  readonly wordsEnd: number;
}

export interface CorpusContent {
  readonly spool: TokenSpool;
  /** All sentences of the spool, in order. */
  readonly runs: readonly Run[];
  readonly vocabulary: Vocabulary;
  readonly header: Pick<CorpusHeader, 'settings' | 'sourceSha256' | 'isVocabularyGiven'>;
}

const BUFFER_BYTES = 1 << 18;

/** Writes a corpus file as `CORPUS_MAGIC` describes it; it is complete and on disk when this returns. */
export function writeCorpusFile(path: string, { spool, runs, vocabulary, header }: CorpusContent): void {
  const file = openSync(path, 'wx');
  try {
    const out = createHashingWriter(file);
    const ordered = SPLIT_NAMES.flatMap((split) => runs.filter((run) => run.split === split));
    out.bytes(encodeHeader({ ...header, words: vocabulary.words.slice(SPECIAL_WORDS.length), splits: countSplits(runs) }));
    out.setWidth(2);
    for (const run of ordered) for (let i = run.begin; i < run.end; i += 1) out.integer(spool.lengthOf(i) + 2);
    const ids = Uint32Array.from(spool.words, (word) => vocabulary.idOf(word));
    ids[0] = UNKNOWN_TOKEN;
    out.setWidth(tokenBytes(vocabulary.size));
    for (const run of ordered) writeTokens(out, { spool, run, ids });
    out.finish();
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

interface TokenRun {
  readonly spool: TokenSpool;
  readonly run: Run;
  readonly ids: Uint32Array;
}

function writeTokens(out: HashingWriter, { spool, run, ids }: TokenRun): void {
  let sentence = run.begin;
  let left = 0;
  spool.read(run.wordsBegin, run.wordsEnd, (block) => {
    for (const word of block) {
      if (left === 0) {
        out.integer(SENTENCE_START);
        left = spool.lengthOf(sentence);
        sentence += 1;
      }
      out.integer(ids[word]);
      left -= 1;
      if (left === 0) out.integer(SENTENCE_END);
    }
  });
}

function countSplits(runs: readonly Run[]): CorpusHeader['splits'] {
  const count = (split: SplitName): { sentences: number; tokens: number } => {
    let sentences = 0;
    let words = 0;
    for (const run of runs) {
      if (run.split !== split) continue;
      sentences += run.end - run.begin;
      words += run.wordsEnd - run.wordsBegin;
    }
    return { sentences, tokens: words + sentences };
  };
  return { train: count('train'), valid: count('valid'), test: count('test') };
}

function encodeHeader(header: CorpusHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const bytes = Buffer.alloc(PREAMBLE_BYTES + Math.ceil(json.length / 8) * 8, ' ');
  bytes.write(CORPUS_MAGIC, 'latin1');
  bytes.writeUInt32LE(CORPUS_VERSION, 8);
  bytes.writeUInt32LE(bytes.length - PREAMBLE_BYTES, 12);
  json.copy(bytes, PREAMBLE_BYTES);
  return bytes;
}

interface HashingWriter {
  bytes(bytes: Uint8Array): void;
  /** Sets the width in bytes of the integers that follow. */
  setWidth(width: 2 | 4): void;
  integer(value: number): void;
  /** Appends the hash of everything written. */
  finish(): void;
}

function createHashingWriter(file: number): HashingWriter {
  const hash = createHash('sha256');
  const buffer = new ArrayBuffer(BUFFER_BYTES);
  let view: Uint16Array | Uint32Array = new Uint16Array(buffer);
  let filled = 0;
  return {
    bytes(bytes) {
      flush();
      hash.update(bytes);
      writeAll(bytes);
    },
    setWidth(width) {
      flush();
      view = width === 2 ? new Uint16Array(buffer) : new Uint32Array(buffer);
    },
    integer(value) {
      if (filled === view.length) flush();
      view[filled] = value;
      filled += 1;
    },
    finish() {
      flush();
      writeAll(hash.digest());
    },
  };

  function flush(): void {
    const bytes = new Uint8Array(buffer, 0, filled * view.BYTES_PER_ELEMENT);
    hash.update(bytes);
    writeAll(bytes);
    filled = 0;
  }

  function writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  }
}
