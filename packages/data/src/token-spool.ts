import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { assert, BpttError } from '@bptt/core';
import { isReservedWord } from './vocabulary.js';

/** Most distinct words of a text: their texts and counts are all that is held in memory. */
export const DISTINCT_WORDS_MAX = 1 << 23;
const BUFFER_TOKENS = 1 << 16;
const GOES_ON = 0x8000;

/**
 * A text on its way from words to ids, in a temporary file: the words of all sentences as provisional ids, numbered as they first occur.
 * So the text is tokenised once, although the vocabulary is known only after its end.
 */
export class TokenSpool {
  /** Texts of the provisional ids. Id 0 stands for all reserved words. */
  readonly words: string[] = ['UNKNOWN_TOKEN'];
  readonly #ids = new Map<string, number>();
  readonly #path: string;
  readonly #file: number;
  readonly #buffer = new Uint32Array(BUFFER_TOKENS);
  #buffered = 0;
  #lengths = new Uint16Array(1024);
  #sentences = 0;
  #tokens = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'wx+');
  }

  /** Sentences added. */
  get sentences(): number {
    return this.#sentences;
  }

  /** Words of sentence `i`. */
  lengthOf(i: number): number {
    return this.#lengths[i] & ~GOES_ON;
  }

  /** Whether sentence `i` continues the one before, which was too long. */
  goesOn(i: number): boolean {
    return (this.#lengths[i] & GOES_ON) !== 0;
  }

  add(words: readonly string[], goesOn: boolean): void {
    assert(words.length < GOES_ON, () => `sentence of ${String(words.length)} words`);
    if (this.#sentences === this.#lengths.length) {
      const grown = new Uint16Array(this.#lengths.length * 2);
      grown.set(this.#lengths);
      this.#lengths = grown;
    }
    this.#lengths[this.#sentences] = words.length | (goesOn ? GOES_ON : 0);
    this.#sentences += 1;
    if (this.#buffered + words.length > BUFFER_TOKENS) this.#flush();
    const ids = this.#ids;
    const buffer = this.#buffer;
    let at = this.#buffered;
    for (const word of words) {
      buffer[at] = ids.get(word) ?? this.#addWord(word);
      at += 1;
    }
    this.#buffered = at;
    this.#tokens += words.length;
  }

  /** Calls `visit` with the provisional ids of the words `[begin, end)` of the whole text, in order, in blocks that are overwritten after it returns. */
  read(begin: number, end: number, visit: (ids: Uint32Array) => void): void {
    this.#flush();
    assert(begin >= 0 && end <= this.#tokens, () => `words [${String(begin)}, ${String(end)}) of ${String(this.#tokens)}`);
    for (let at = begin; at < end; at += BUFFER_TOKENS) {
      const block = this.#buffer.subarray(0, Math.min(BUFFER_TOKENS, end - at));
      const bytes = readSync(this.#file, block, 0, block.byteLength, at * 4);
      if (bytes !== block.byteLength) throw new BpttError('data-loss', `temporary file ${this.#path}: expected ${String(block.byteLength)} bytes, got ${String(bytes)}`);
      visit(block);
    }
  }

  /** Deletes the file. */
  remove(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }

  #addWord(word: string): number {
    // A word cut from a longer string may keep all of that string alive; a copy does not.
    const copy = Buffer.from(word).toString();
    const id = isReservedWord(word) ? 0 : this.words.length;
    if (id === DISTINCT_WORDS_MAX) throw new BpttError('resource-exhausted', `corpus: expected at most ${String(DISTINCT_WORDS_MAX)} distinct words, got more`);
    if (id > 0) this.words.push(copy);
    this.#ids.set(copy, id);
    return id;
  }

  #flush(): void {
    const bytes = new Uint8Array(this.#buffer.buffer, 0, this.#buffered * 4);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.#buffered = 0;
  }
}
