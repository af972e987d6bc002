import { describe, expect, it } from 'vitest';
import { beamSearch, type BeamSearchOptions, type BeamText } from './beam-search.js';
import { stream } from './random.js';
import { logSumExp } from './sampling.js';
import type { TextRules } from './text-rules.js';

const V = 5;
const END = 1;
const rules: TextRules = { end: END, stop: new Set(), forbidden: new Set([0]), required: new Set(), length: 4 };

/** Logits that depend on every word of a text: a table that no state summarises. */
function logitsAfter(words: readonly number[]): Float32Array {
  const { uniform } = stream(5, 'beam test', ...words);
  return Float32Array.from({ length: V }, (_, word) => 3 * uniform(word));
}

type Search = Omit<BeamSearchOptions<readonly (readonly number[])[]>, 'first' | 'step'>;
const defaults: Search = { rules, prompt: [], width: 3, lengthExponent: 0.6 };

/** A model whose state is the text itself. */
function search(changes: Partial<Search>, model = logitsAfter): Promise<BeamText[]> {
  const say = (texts: readonly (readonly number[])[]) => ({
    logits: { rows: texts.length, columns: V, values: Float32Array.from(texts.flatMap((text) => [...model(text)])) }, states: texts,
  });
  const options = { ...defaults, ...changes };
  return beamSearch({ ...options, first: say([options.prompt]), step: (words, parents, texts) => Promise.resolve(say(parents.map((parent, i) => [...texts[parent], words[i]]))) });
}

/** Every text that keeps `required` and `stop`, scored. */
function allTexts({ rules: { stop, required, length }, lengthExponent }: Search): BeamText[] {
  const found: BeamText[] = [];
  const visit = (words: readonly number[], logProbability: number): void => {
    const logits = logitsAfter(words);
    for (let word = 1; word < V; word += 1) {
      const all = logProbability + logits[word] - logSumExp(logits);
      const text = word === END ? words : [...words, word];
      const ended = word === END || stop.has(word);
      if (!ended && text.length < length) visit(text, all);
      else if (text.length > 0 && [...required].every((one) => text.includes(one))) {
        found.push({ words: text, logProbability: all, score: all / (words.length + 1) ** lengthExponent, ended });
      }
    }
  };
  visit([], 0);
  return found.sort((a, b) => b.score - a.score);
}

function expectSame(got: readonly BeamText[], want: readonly BeamText[]): void {
  expect(got.map(({ words, ended }) => ({ words, ended }))).toEqual(want.map(({ words, ended }) => ({ words, ended })));
  got.forEach(({ score, logProbability }, i) => {
    expect(score).toBeCloseTo(want[i].score, 10);
    expect(logProbability).toBeCloseTo(want[i].logProbability, 10);
  });
}

describe('beamSearch', () => {
  it.each([
    ['by probability', { lengthExponent: 0 }],
    ['by the mean of a word', { lengthExponent: 1 }],
    ['with a stop word', { rules: { ...rules, stop: new Set([3]) } }],
    ['with required words', { rules: { ...rules, required: new Set([2, 4]) } }],
    ['with a required stop word', { rules: { ...rules, required: new Set([2, 4]), stop: new Set([4]) } }],
  ])('finds the best of all texts %s where the beam is wide enough', async (_name, changes) => {
    const options = { ...defaults, ...changes, width: 200 };
    const best = allTexts(options);
    expect(best.length).toBeGreaterThan(10);
    expectSame(await search(options), best.slice(0, 200));
  });

  it('is greedy with a width of 1', async () => {
    const words: number[] = [];
    for (;;) {
      const logits = logitsAfter(words);
      const word = [1, 2, 3, 4].filter((one) => words.length > 0 || one !== END).reduce((best, one) => (logits[one] > logits[best] ? one : best));
      if (word !== END) words.push(word);
      if (word === END || words.length === rules.length) break;
    }
    expect((await search({ width: 1, lengthExponent: 0 }))[0].words).toEqual(words);
  });

  it('finds better texts the wider it is, and never better than the best', async () => {
    const scores = await Promise.all([1, 2, 4, 8, 64].map(async (width) => (await search({ width, rules: { ...rules, length: 5 } }))[0].score));
    const best = allTexts({ ...defaults, rules: { ...rules, length: 5 } })[0].score;
    expect(scores.at(-1)).toBeCloseTo(best, 10);
    for (const score of scores) expect(score).toBeLessThanOrEqual(best + 1e-10);
  });

  it('keeps texts that have placed an unlikely required word', async () => {
    const unlikely = (words: readonly number[]): Float32Array => logitsAfter(words).map((logit, word) => (word === 4 ? -30 : logit));
    const texts = await search({ width: 2, rules: { ...rules, required: new Set([4]), length: 12 } }, unlikely);
    expect(texts).toHaveLength(2);
    for (const { words } of texts) expect(words).toContain(4);
    expect(Math.min(...texts.map(({ words }) => words.length)), 'the word need not wait for the last place').toBeLessThan(12);
  });

  it('ranks equal texts by word id, and never takes a forbidden word or one without a finite logit', async () => {
    const flat = (): Float32Array => Float32Array.of(9, -9, 1, 1, -Infinity);
    expect((await search({ width: 2, rules: { ...rules, length: 2 } }, flat)).map(({ words }) => words)).toEqual([[2, 2], [2, 3]]);
    expect(await search({}, () => Float32Array.of(9, -9, 1, 1, NaN)), 'there is no probability beside a logit that is none').toEqual([]);
  });

  it('begins after the prompt, which counts as the text', async () => {
    const [best] = await search({ prompt: [3, 2], rules: { ...rules, required: new Set([3]), length: 1 } });
    expect(best.words.length).toBeLessThanOrEqual(1);
    const other = await search({ prompt: [2, 3], rules: { ...rules, required: new Set([3]), length: 1 } });
    expect(other[0].logProbability).not.toBe(best.logProbability);
  });
});
