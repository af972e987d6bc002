import { joinsNext } from './abbreviations.js';
import type { SentenceRule } from './text-options.js';

/**
 * Longest string handed to `Intl.Segmenter`, whose time grows with the square of the length: 8 KiB of UTF-16. Also the longest part of a
 * sentence that is held at once.
 */
export const SEGMENT_UNITS_MAX = 4096;

/** Takes a sentence, or a part of one: `ends` tells whether the sentence ends after `text`. The last part may be empty. */
export type SentenceSink = (text: string, ends: boolean) => void;

/** Cuts text that arrives in pieces. */
export interface TextConsumer {
  push(text: string): void;
  /** No more text comes: what is still held goes out. */
  end(): void;
}

/**
 * Cuts a stream of text into sentences. Where the pieces of the stream begin and end makes no difference. Line breaks inside a sentence
 * become one space each, white space around sentences is dropped, and memory is bounded: a sentence longer than `SEGMENT_UNITS_MAX` leaves in
 * parts, cut at white space where there is any and never inside a surrogate pair.
 */
export function createSentenceSplitter(rule: SentenceRule, sink: SentenceSink): TextConsumer {
  const blockBreak = rule === 'line' ? /\n/ : /\n[^\S\n]*\n/;
  const split = rule === 'line' ? (block: string): string[] => [block] : splitParagraph;
  let buffer = '';
  let begun = false;
  return {
    push(text) {
      buffer += text;
      drain(false);
    },
    end() {
      drain(true);
    },
  };

  function drain(isLast: boolean): void {
    let at = 0;
    for (;;) {
      if (!begun) at = skipWhitespace(buffer, at);
      const window = buffer.slice(at, at + SEGMENT_UNITS_MAX);
      const found = blockBreak.exec(window);
      if (found !== null) {
        emitBlock(window.slice(0, found.index));
        at += found.index + found[0].length;
      } else if (window.length === SEGMENT_UNITS_MAX) {
        at += emitWindow(window);
      } else {
        if (isLast) emitBlock(window);
        buffer = isLast ? '' : buffer.slice(at);
        return;
      }
    }
  }

  function emitBlock(block: string): void {
    for (const sentence of split(block)) emit(sentence, true);
    if (begun) emit('', true);
  }

  /** The last sentence of a window may go on behind it, so it waits, unless it fills the window. Returns how much was consumed. */
  function emitWindow(window: string): number {
    const sentences = split(window);
    const last = sentences.pop() ?? '';
    for (const sentence of sentences) emit(sentence, true);
    if (sentences.length > 0) return window.length - last.length;
    const cut = cutPoint(window);
    emit(window.slice(0, cut), false);
    return cut;
  }

  function emit(text: string, ends: boolean): void {
    const started = begun ? text : text.trimStart();
    const trimmed = ends ? started.trimEnd() : started;
    const cleaned = trimmed.includes('\n') ? trimmed.replace(/\s*\n\s*/g, ' ') : trimmed;
    if (begun || cleaned !== '') sink(cleaned, ends);
    begun = !ends;
  }
}

/** A fixed locale: the default one would make the corpus depend on the machine. */
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'sentence' });
const LOOKAHEAD_UNITS = 32;
const LINE_BREAKS = /[\n\r\u0085\u2028\u2029]/g;

function splitParagraph(text: string): string[] {
  // The segmenter ends a sentence at every line break; in running text a line break is a space.
  const flat = text.replace(LINE_BREAKS, ' ');
  const sentences: string[] = [];
  let start = 0;
  for (const { index } of SEGMENTER.segment(flat)) {
    if (index === 0 || joinsNext(flat.slice(start, index), flat.slice(index, index + LOOKAHEAD_UNITS))) continue;
    sentences.push(text.slice(start, index));
    start = index;
  }
  if (start < text.length) sentences.push(text.slice(start));
  return sentences;
}

function skipWhitespace(text: string, at: number): number {
  let next = at;
  while (next < text.length && isWhitespace(text, next)) next += 1;
  return next;
}

function isWhitespace(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit <= 0x7f ? unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) : text.charAt(at).trim() === '';
}

/** Begin of the last run of white space in the second half of a window, else its end, but not between two halves of a code point. */
function cutPoint(window: string): number {
  for (let at = window.length - 1; at > window.length / 2; at -= 1) {
    if (isWhitespace(window, at) && !isWhitespace(window, at - 1)) return at;
  }
  const last = window.charCodeAt(window.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? window.length - 1 : window.length;
}
