import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCorpus } from './corpus-encoder.js';
import { openCorpus, type Corpus, type CorpusOptions } from './corpus.js';
import { tokenizeText } from './sentence-reader.js';
import { openSource } from './sources.js';
import type { Split } from './split.js';
import { Vocabulary } from './vocabulary.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-data-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const WORDS = { tokens: 'word', lowercase: false, sentences: 'line' } as const;

function options(changes: Partial<CorpusOptions> = {}): CorpusOptions {
  return { ...WORDS, vocabulary: 8, cacheDirectory: join(folder, 'cache'), ...changes };
}

function write(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function texts(corpus: Corpus, split: Split): string[] {
  return Array.from({ length: split.sentences }, (_, i) => Array.from(split.readSentence(i), (id) => corpus.vocabulary.wordOf(id)).join(' '));
}

const LINES = ['a b c', 'a b', 'a d e', 'valid a', 'test new b'];

describe('openCorpus on one text', () => {
  it('encodes its sentences, with the words counted in the training part alone', async () => {
    const corpus = await openCorpus(write('book.txt', LINES.join('\n')), options());
    expect(corpus.vocabulary.words.slice(3)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(texts(corpus, corpus.train)).toEqual(['SENTENCE_START a b c SENTENCE_END', 'SENTENCE_START a b SENTENCE_END', 'SENTENCE_START a d e SENTENCE_END']);
    expect(texts(corpus, corpus.valid)).toEqual(['SENTENCE_START UNKNOWN_TOKEN a SENTENCE_END']);
    expect(texts(corpus, corpus.test)).toEqual(['SENTENCE_START UNKNOWN_TOKEN UNKNOWN_TOKEN b SENTENCE_END']);
    expect(corpus.all.sentences).toBe(5);
    expect(corpus.warnings).toEqual([]);
    expect(readdirSync(join(folder, 'cache'))).toHaveLength(1);
    corpus.close();
    expect(() => corpus.train.readSentence(0)).toThrow('read after close');
  });

  it('counts tokens and positions', async () => {
    const { train } = await openCorpus(write('book.txt', LINES.join('\n')), options());
    expect([train.sentences, train.tokens, train.length]).toEqual([3, 11, 14]);
    expect([0, 1, 2, 3].map((i) => train.sentenceStart(i))).toEqual([0, 5, 9, 14]);
    expect(train.sentenceLength(1)).toBe(4);
    expect([...train.readTokens(4, 7)]).toEqual([1, 0, 3]);
    expect(() => train.readSentence(3)).toThrow('sentence 3 outside [0, 2]');
    expect(() => train.readTokens(0, 15)).toThrow('outside [0, 14)');
  });

  it('has the hash of what is in its file, wherever the text lies', async () => {
    const first = await openCorpus(write('one.txt', LINES.join('\n')), options());
    const second = await openCorpus(write('two.txt', LINES.join('\n')), options({ cacheDirectory: join(folder, 'elsewhere') }));
    expect(second.hash).toBe(first.hash);
    const [name] = readdirSync(join(folder, 'cache'));
    const bytes = readFileSync(join(folder, 'cache', name));
    expect(createHash('sha256').update(bytes.subarray(0, -32)).digest('hex')).toBe(first.hash);
  });

  it('has another hash for another text or other options', async () => {
    const path = write('book.txt', LINES.map((line) => `${line}.`).join('\n\n'));
    const hashes = new Set<string>();
    for (const changes of [{}, { vocabulary: 7 }, { lowercase: true }, { tokens: 'whitespace' }, { sentences: 'auto' }] as const) hashes.add((await openCorpus(path, options(changes))).hash);
    hashes.add((await openCorpus(write('book.txt', `${LINES.join('\n')} x`), options())).hash);
    expect(hashes.size).toBe(6);
  });

  it('splits it alike for words and characters, although long sentences are cut', async () => {
    const lines = Array.from({ length: 60 }, (_, i) => `${String(i)} ${'abcd '.repeat(i % 7 === 0 ? 100 : 3)}`.trim());
    const path = write('book.txt', lines.join('\n'));
    const words = await openCorpus(path, options());
    const characters = await openCorpus(path, options({ tokens: 'char', vocabulary: 18 }));
    expect(characters.valid.sentences).toBeGreaterThan(words.valid.sentences);
    const first = characters.valid.readSentence(0);
    expect(Array.from(first.subarray(1, 3), (id) => characters.vocabulary.wordOf(id)).join('')).toBe('27');
    expect(words.valid.sentences + words.test.sentences + words.train.sentences).toBe(60);
  });

  it('stores ids above 65,535 too', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => Array.from({ length: 80 }, (_, j) => `w${String(i * 80 + j).padStart(5, '0')}`).join(' '));
    const corpus = await openCorpus(write('book.txt', lines.join('\n')), options({ vocabulary: 70_000 }));
    expect(corpus.vocabulary.size).toBe(70_000);
    const [line] = lines;
    expect(texts(corpus, corpus.train)[0]).toBe(`SENTENCE_START ${line} SENTENCE_END`);
    expect(Math.max(...corpus.train.readTokens(0, corpus.train.length))).toBe(69_999);
  });

  it('gives back every word of any text, in order', async () => {
    const word = fc.constantFrom('whale', 'Ahab', 'ship', ',', '.', '中', '😀', 'naïve', 'SENTENCE_END', '<unk>');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(word, { minLength: 1, maxLength: 300 }), { minLength: 4, maxLength: 30 }), async (sentences) => {
        const text = sentences.map((words) => words.join(' ')).join('\n');
        const vocabulary = new Vocabulary(['whale', 'Ahab', 'ship', ',', '.', '中', '😀', 'naïve', '<', '>', 'unk']);
        const corpus = await openCorpus(write('book.txt', text), options({ vocabulary }));
        const expected = tokenizeText(text, WORDS).map((words) => ['SENTENCE_START', ...words.map((w) => vocabulary.wordOf(vocabulary.idOf(w))), 'SENTENCE_END'].join(' '));
        expect(texts(corpus, corpus.all).sort()).toEqual(expected.sort());
        corpus.close();
      }),
      { numRuns: 15 },
    );
  });
});

describe('openCorpus on a folder', () => {
  it('takes its own splits and counts words in train.txt alone', async () => {
    write('train.txt', 'the whale the\nthe ship');
    write('valid.txt', 'harpoon whale');
    write('test.txt', 'the sea');
    const corpus = await openCorpus(folder, options({ vocabulary: 6, tokens: 'whitespace' }));
    expect(corpus.vocabulary.words.slice(3)).toEqual(['the', 'ship', 'whale']);
    expect([corpus.train, corpus.valid, corpus.test].map(({ sentences }) => sentences)).toEqual([2, 1, 1]);
    expect(texts(corpus, corpus.valid)).toEqual(['SENTENCE_START UNKNOWN_TOKEN whale SENTENCE_END']);
  });

  it('says which files are missing, and which is empty', async () => {
    write('train.txt', 'a b c');
    await expect(openCorpus(folder, options())).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('missing valid.txt, test.txt') as string });
    write('valid.txt', ' \n');
    write('test.txt', 'a');
    await expect(openCorpus(folder, options({ vocabulary: 4 }))).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(/valid\.txt: expected text, got none$/) as string });
  });
});

describe('bad input', () => {
  it.each([
    ['an empty text', '', {}, 'expected text, got none'],
    ['white space', ' \n \r\n', {}, 'expected text, got none'],
    ['a single line', 'one line only', {}, 'expected at least 3 sentences, one each for training, validation and test, got 1'],
    ['bytes that are not UTF-8', Uint8Array.of(0x61, 0x0a, 0xff), {}, 'invalid byte sequence at byte 2'],
    ['a vocabulary without words', LINES.join('\n'), { vocabulary: 3 }, 'expected a whole number from 4'],
  ])('%s is refused in one line and leaves nothing behind', async (_, text, changes, message) => {
    const path = write('book.txt', text);
    const failure = await openCorpus(path, options({ cacheDirectory: join(folder, 'made', 'cache'), ...changes })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'invalid-argument', message: expect.stringContaining(message) as string });
    expect((failure as Error).message).not.toContain('\n');
    expect(readdirSync(folder)).toEqual(['book.txt']);
  });

  it('a missing file and an unknown data set are refused', async () => {
    await expect(openCorpus(join(folder, 'none.txt'), options())).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('none.txt') as string });
    await expect(openCorpus('dataset:ulysses', options())).rejects.toMatchObject({ code: 'invalid-argument', message: 'corpus dataset:ulysses: expected one of dataset:moby-dick, dataset:sotu' });
  });

  it('a text that is not the one that was hashed is refused', async () => {
    const source = await openSource(write('book.txt', LINES.join('\n')));
    const task = { source, sourceSha256: 'of another text', settings: WORDS, vocabulary: 8, isWhole: false };
    await expect(encodeCorpus(join(folder, 'cache', 'x.corpus'), task)).rejects.toMatchObject({ code: 'aborted', message: expect.stringContaining('changed while it was read') as string });
    expect(readdirSync(folder)).toEqual(['book.txt']);
  });

  it('a text whose reading is stopped in the middle leaves nothing behind', async () => {
    const stop = new AbortController();
    const bytes = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 100; i += 1) {
        if (i === 50) stop.abort(new Error('stopped by the test'));
        await Promise.resolve();
        yield new TextEncoder().encode('a b c d e\n');
      }
    };
    const task = { source: { kind: 'text', name: 'endless', parts: [{ name: 'endless', bytes }] }, sourceSha256: '', settings: WORDS, vocabulary: 8, isWhole: false, signal: stop.signal } as const;
    await expect(encodeCorpus(join(folder, 'cache', 'x.corpus'), task)).rejects.toThrow('stopped by the test');
    expect(readdirSync(folder)).toEqual([]);
    await expect(openCorpus(write('book.txt', LINES.join('\n')), options({ signal: stop.signal }))).rejects.toThrow('stopped by the test');
    expect(readdirSync(folder)).toEqual(['book.txt']);
  });

  it('a folder that was there before stays, with what is in it', async () => {
    mkdirSync(join(folder, 'cache'));
    await expect(openCorpus(write('book.txt', ''), options())).rejects.toThrow('expected text');
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
  });
});

describe('a stored corpus', () => {
  it.each([
    ['cut short', (path: string) => { truncateSync(path, 100); }, 'a header of'],
    ['without its last byte', (path: string) => { const bytes = readFileSync(path); truncateSync(path, bytes.length - 1); }, 'expected sha256'],
    ['emptied', (path: string) => { truncateSync(path, 0); }, 'expected at least 48 bytes, got 0'],
    ['with one bit turned', (path: string) => { const bytes = readFileSync(path); bytes[bytes.length - 40] ^= 1; writeFileSync(path, bytes); }, 'expected sha256'],
    ['overwritten', (path: string) => { writeFileSync(path, 'x'.repeat(5000)); }, 'expected it to begin with BPTTCORP, got "xxxxxxxx"'],
    ['of another version', (path: string) => { const bytes = readFileSync(path); bytes[8] = 99; writeFileSync(path, bytes); }, 'expected version 1, got 99'],
  ])('%s is replaced, with a warning', async (_, damage, reason) => {
    const path = write('book.txt', LINES.join('\n'));
    const first = await openCorpus(path, options());
    first.close();
    const [name] = readdirSync(join(folder, 'cache'));
    damage(join(folder, 'cache', name));
    const second = await openCorpus(path, options());
    expect(second.hash).toBe(first.hash);
    expect(second.warnings).toHaveLength(1);
    expect(second.warnings[0]).toContain(reason);
    expect(texts(second, second.train)).toHaveLength(3);
    expect((await openCorpus(path, options())).warnings).toEqual([]);
  });

  it('is used again and not written anew', async () => {
    const path = write('book.txt', LINES.join('\n'));
    const first = await openCorpus(path, options());
    const [name] = readdirSync(join(folder, 'cache'));
    const stored = join(folder, 'cache', name);
    utimesSync(stored, 1000, 1000);
    const second = await openCorpus(path, options());
    expect(second.hash).toBe(first.hash);
    expect(readdirSync(join(folder, 'cache'))).toEqual([name]);
    expect(statSync(stored).mtimeMs).toBe(1_000_000);
  });
});

describe('a text scored with the vocabulary of another', () => {
  it('may be a single sentence', async () => {
    const vocabulary = new Vocabulary(['a', 'b']);
    const corpus = await openCorpus(write('other.txt', 'b c a'), options({ vocabulary }));
    expect([...corpus.all.readSentence(0)]).toEqual([0, 4, 2, 3, 1]);
    expect([corpus.train.sentences, corpus.valid.sentences, corpus.test.sentences]).toEqual([1, 0, 0]);
  });

  it('keeps its order where it is not to be split, and is another file than the split one', async () => {
    const path = write('long.txt', Array.from({ length: 400 }, (_, i) => `${'a '.repeat(i % 3)}b`).join('\n'));
    const vocabulary = new Vocabulary(['a', 'b']);
    const split = await openCorpus(path, options({ vocabulary }));
    const whole = await openCorpus(path, options({ vocabulary, whole: true }));
    expect(split.valid.sentences).toBeGreaterThan(0);
    expect([whole.train.sentences, whole.valid.sentences, whole.test.sentences]).toEqual([400, 0, 0]);
    for (const i of [0, 1, 250, 399]) expect(whole.train.sentenceLength(i)).toBe(3 + (i % 3));
    expect(whole.hash).not.toBe(split.hash);
    await expect(openCorpus(path, options({ vocabulary: 5, whole: true }))).rejects.toThrow('whole without a vocabulary');
  });
});

describe('large input', () => {
  it('reads a line of 10 MB', async () => {
    const count = 1_700_000;
    const path = write('line.txt', 'whale '.repeat(count));
    const corpus = await openCorpus(path, options({ vocabulary: new Vocabulary(['whale']), sentences: 'auto' }));
    expect(corpus.all.tokens - corpus.all.sentences).toBe(count);
    expect(corpus.all.sentenceLength(0)).toBe(257);
  });

  it('reads a line of megabytes without any space', async () => {
    const path = write('line.txt', 'x'.repeat(3_000_000));
    const corpus = await openCorpus(path, options({ tokens: 'char', vocabulary: new Vocabulary(['x']), sentences: 'auto' }));
    expect(corpus.all.tokens - corpus.all.sentences).toBe(3_000_000);
  });
});

it('opens Moby-Dick: all chapters once, abbreviations inside sentences', async () => {
  const corpus = await openCorpus('dataset:moby-dick', options({ vocabulary: 2000, sentences: 'auto' }));
  expect(corpus.all.tokens).toBeGreaterThan(240_000);
  expect(corpus.all.tokens).toBeLessThan(290_000);
  expect(Math.min(corpus.valid.tokens, corpus.test.tokens)).toBeGreaterThan(10_000);
  const mr = corpus.vocabulary.idOf('Mr');
  const endings = Array.from({ length: corpus.train.sentences }, (_, i) => corpus.train.readSentence(i)).filter((ids) => ids.at(-3) === mr);
  expect(endings).toEqual([]);
});
