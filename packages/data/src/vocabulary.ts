import { assert, BpttError } from '@bptt/core';

/** Id of the token that opens every sentence. Read, never predicted. */
export const SENTENCE_START = 0;
/** Id of the token that closes every sentence. */
export const SENTENCE_END = 1;
/** Id that stands for every word outside the vocabulary. */
export const UNKNOWN_TOKEN = 2;

/** Texts of the special tokens, at their ids. */
export const SPECIAL_WORDS = ['SENTENCE_START', 'SENTENCE_END', 'UNKNOWN_TOKEN'] as const;
/** Fewest words of a vocabulary: the special tokens and one word. */
export const VOCABULARY_WORDS_MIN = SPECIAL_WORDS.length + 1;
/** Most words of a vocabulary. */
export const VOCABULARY_WORDS_MAX = 1 << 24;

const RESERVED: ReadonlySet<string> = new Set([...SPECIAL_WORDS, '<unk>']);
const FORMAT = 'bptt-vocabulary';
const VERSION = 1;

/** A vocabulary as JSON. */
export interface VocabularyJson {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** Texts in the order of their ids, special tokens first. */
  readonly words: readonly string[];
}

/** Words and their ids: the special tokens, then the words of a text from the most frequent on. Does not change. */
export class Vocabulary {
  /** Texts in the order of their ids. */
  readonly words: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  /** `words` are the ordinary words from id 3 on, distinct and none of them reserved. */
  constructor(words: readonly string[]) {
    this.words = [...SPECIAL_WORDS, ...words];
    this.#ids = new Map(words.map((word, i) => [word, SPECIAL_WORDS.length + i]));
    assert(this.#ids.size === words.length && !words.some(isReservedWord), () => 'vocabulary: words repeat or are reserved');
  }

  /** Words, special tokens included (`V`). */
  get size(): number {
    return this.words.length;
  }

  /**
   * Id of a word of a text; UNKNOWN_TOKEN for a word that was not kept. A text that happens to hold the name of a special token cannot
   * forge one: such a word is unknown too.
   */
  idOf(word: string): number {
    return this.#ids.get(word) ?? UNKNOWN_TOKEN;
  }

  /** Text of an id in `[0, size)`. */
  wordOf(id: number): string {
    assert(Number.isInteger(id) && id >= 0 && id < this.size, () => `vocabulary: id ${String(id)} outside [0, ${String(this.size)})`);
    return this.words[id];
  }

  toJSON(): VocabularyJson {
    return { format: FORMAT, version: VERSION, words: this.words };
  }

  /**
   * Reads what `toJSON` gave.
   * @throws BpttError `invalid-argument` for another format or version, and for words that repeat or are misplaced
   */
  static fromJSON(json: unknown): Vocabulary {
    const { format, version, words } = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
    if (format !== FORMAT) throw refusal(`expected format ${FORMAT}, got ${shown(format)}`);
    if (version !== VERSION) throw refusal(`expected version ${String(VERSION)}, got ${shown(version)}`);
    if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) throw refusal('expected words as a list of texts');
    const special = words.slice(0, SPECIAL_WORDS.length);
    if (words.length < VOCABULARY_WORDS_MIN || !SPECIAL_WORDS.every((word, id) => special[id] === word)) {
      throw refusal(`expected ${SPECIAL_WORDS.join(', ')} and at least one word, got ${JSON.stringify(words.slice(0, VOCABULARY_WORDS_MIN))}`);
    }
    const ordinary = words.slice(SPECIAL_WORDS.length);
    const reserved = ordinary.find(isReservedWord);
    if (reserved !== undefined) throw refusal(`the reserved word ${reserved} stands among the ordinary ones`);
    if (new Set(ordinary).size !== ordinary.length) throw refusal('a word stands in it twice');
    return new Vocabulary(ordinary);
  }
}

/** Whether a word of a text is never kept, because it is the name of a special token (or `<unk>`). */
export function isReservedWord(word: string): boolean {
  return RESERVED.has(word);
}

/**
 * A vocabulary of at most `sizeMax` words, special tokens included: the most frequent of `words`, ties broken by text (UTF-16 code units).
 * @param words distinct texts; reserved ones are left out
 * @param counts how often each occurs; one that does not occur is not counted as a word
 */
export function selectVocabulary(words: readonly string[], counts: ArrayLike<number>, sizeMax: number): Vocabulary {
  const candidates: number[] = [];
  for (let i = 0; i < words.length; i += 1) if (counts[i] > 0 && !isReservedWord(words[i])) candidates.push(i);
  candidates.sort((a, b) => counts[b] - counts[a] || (words[a] < words[b] ? -1 : 1));
  return new Vocabulary(candidates.slice(0, sizeMax - SPECIAL_WORDS.length).map((i) => words[i]));
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

function refusal(reason: string): BpttError {
  return new BpttError('invalid-argument', `vocabulary: ${reason}`);
}
