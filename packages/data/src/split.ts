import { assert } from '@bptt/core';

/** Sentences in order, each `SENTENCE_START w1 .. wn SENTENCE_END`, read from where they lie. */
export interface Split {
  readonly sentences: number;
  /** Targets: all tokens but SENTENCE_START. */
  readonly tokens: number;
  /** All tokens, SENTENCE_START included: the sentences one after the other are one stream of this length. */
  readonly length: number;
  /** Tokens of sentence `i`, SENTENCE_START and SENTENCE_END included. */
  sentenceLength(i: number): number;
  /** Position in the stream of the SENTENCE_START of sentence `i`; for `i = sentences` the length of the stream. */
  sentenceStart(i: number): number;
  /** A fresh copy of sentence `i`. */
  readSentence(i: number): Int32Array;
  /** A fresh copy of the positions `[begin, end)` of the stream. */
  readTokens(begin: number, end: number): Int32Array;
}

/** How a split finds its tokens. */
export interface SplitLayout {
  /** Positions where sentences begin, and one more where the last one ends, counted anywhere from. */
  readonly starts: Uint32Array;
  /** A fresh copy of the tokens at the positions `[begin, end)`, counted like `starts`. */
  readonly read: (begin: number, end: number) => Int32Array;
}

export function createSplit({ starts, read }: SplitLayout): Split {
  const sentences = starts.length - 1;
  const first = starts[0];
  const length = starts[sentences] - first;
  return {
    sentences,
    length,
    tokens: length - sentences,
    sentenceLength(i) {
      checkSentence(i, sentences - 1);
      return starts[i + 1] - starts[i];
    },
    sentenceStart(i) {
      checkSentence(i, sentences);
      return starts[i] - first;
    },
    readSentence(i) {
      checkSentence(i, sentences - 1);
      return read(starts[i], starts[i + 1]);
    },
    readTokens(begin, end) {
      assert(begin >= 0 && begin <= end && end <= length, () => `split: positions [${String(begin)}, ${String(end)}) outside [0, ${String(length)})`);
      return read(first + begin, first + end);
    },
  };

  function checkSentence(i: number, last: number): void {
    assert(Number.isInteger(i) && i >= 0 && i <= last, () => `split: sentence ${String(i)} outside [0, ${String(last)}]`);
  }
}

/** A split over encoded sentences in memory, for instance of `encodeText`. */
export function memorySplit(sentences: readonly Int32Array[]): Split {
  const starts = new Uint32Array(sentences.length + 1);
  sentences.forEach((sentence, i) => {
    starts[i + 1] = starts[i] + sentence.length;
  });
  const tokens = new Int32Array(starts[sentences.length]);
  sentences.forEach((sentence, i) => {
    tokens.set(sentence, starts[i]);
  });
  return createSplit({ starts, read: (begin, end) => tokens.slice(begin, end) });
}
