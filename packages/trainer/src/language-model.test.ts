import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRun, type LanguageModel } from './language-model.js';
import { storyFolder, trainStory } from './testing/story.js';

const folder = storyFolder();
const run = join(folder, 'run');
const warnings: string[] = [];
let model: LanguageModel;

beforeAll(async () => {
  await trainStory(folder, { steps: 40, lr: 1, hidden: 8 });
  model = await loadRun(run, { backend: 'reference', onWarning: (message) => warnings.push(message) });
});
afterAll(() => {
  model.close();
  rmSync(folder, { recursive: true });
});

describe('generate', () => {
  it('gives readable texts, the same for the same seed', async () => {
    const texts = await model.generate({ prompt: 'The whale', length: 8, samples: 3 });
    expect(texts).toHaveLength(3);
    for (const { text, tokens, logProbability } of texts) {
      expect(text).toMatch(/^the whale\b(?!.* [.])/);
      expect(text).not.toMatch(/SENTENCE_|UNKNOWN/);
      expect(tokens.slice(0, 2)).toEqual(['the', 'whale']);
      expect(logProbability).toBeLessThan(0);
    }
    expect(await model.generate({ prompt: 'The whale', length: 8, samples: 3 })).toEqual(texts);
    expect(await model.generate({ prompt: 'The whale', length: 8, samples: 3, seed: 2 })).not.toEqual(texts);
  });

  it('keeps required, forbidden and stop words', async () => {
    const texts = await model.generate({ samples: 20, length: 6, require: 'ship white', forbid: 'old zebra', stop: '.' });
    for (const { tokens, ended } of texts) {
      expect(tokens).toEqual(expect.arrayContaining(['ship', 'white']));
      expect(tokens).not.toContain('old');
      expect(tokens.indexOf('.')).toBe(ended && tokens.at(-1) === '.' ? tokens.length - 1 : -1);
    }
    expect(texts.some(({ tokens }) => tokens.at(-1) === '.')).toBe(true);
    await expect(model.generate({ require: 'zebra' })).rejects.toMatchObject({ code: 'invalid-argument', message: 'require: expected words of the vocabulary of this run, got zebra' });
    await expect(model.generate({ require: 'old', forbid: 'old' })).rejects.toMatchObject({ code: 'invalid-argument', message: 'require: expected words that are not forbidden, got old' });
    const [{ tokens }] = await model.generate({ prompt: 'old', require: 'old', forbid: 'old' });
    expect(tokens.filter((token) => token === 'old')).toHaveLength(1);
  });

  it('finds with a beam what is likelier than what it draws', async () => {
    const found = await model.generate({ beam: 8, samples: 2, length: 8, lengthExponent: 0 });
    const drawn = await model.generate({ samples: 100, length: 8 });
    expect(found).toHaveLength(2);
    expect(found[0].logProbability).toBeGreaterThanOrEqual(Math.max(...drawn.map(({ logProbability }) => logProbability)));
    await expect(model.generate({ beam: 2, samples: 3 })).rejects.toThrow('samples: expected at most the beam (2), got 3');
    await expect(model.generate({ beam: 2, temperature: 0.5 })).rejects.toThrow('temperature: expected 1 with a beam');
  });

  it('keeps unknown words of a prompt as they were given, and warns of them', async () => {
    warnings.length = 0;
    const [{ text, tokens }] = await model.generate({ prompt: 'the zebra', length: 1 });
    expect(text).toMatch(/^the zebra\b/);
    expect(tokens[1]).toBe('zebra');
    expect(warnings).toEqual([expect.stringContaining('zebra')]);
  });

  it('may overlap with other calls', async () => {
    const alone = [await model.generate({ samples: 5 }), await model.score('The ship is old.'), await model.generate({ beam: 3 })];
    expect(await Promise.all([model.generate({ samples: 5 }), model.score('The ship is old.'), model.generate({ beam: 3 })])).toEqual(alone);
  });

  it('stops when it is told to', async () => {
    await expect(model.generate({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('score', () => {
  it('prefers the sentences of the story, and counts what it does not know', async () => {
    const likely = await model.score('The whale is old.\n\nThe ship is white.');
    const unlikely = await model.score('Is whale the. Old. Zebra');
    expect(likely).toMatchObject({ tokens: 12, sentences: 2, unknown: 0, characters: 37 });
    expect(unlikely.unknown).toBe(1);
    expect(likely.independent.perplexity).toBeLessThan(unlikely.independent.perplexity / 2);
    expect(likely.carried.nats).not.toBe(likely.independent.nats);
    await expect(model.score(' ')).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('gives generated texts the log-probability that they were drawn with', async () => {
    for (const { tokens, ended, logProbability } of await model.generate({ samples: 5, length: 200 })) {
      expect(ended).toBe(true);
      const [line] = await lines([tokens.join(' ')]);
      expect(line.nats).toBeCloseTo(-logProbability, 3);
    }
  });
});

async function lines(texts: string[]) {
  const scores = [];
  for await (const score of model.scoreLines(texts)) scores.push(score);
  return scores;
}

describe('scoreLines', () => {
  it('scores every line for itself and as one sentence, long and empty ones too', async () => {
    const texts = ['The whale is old.', '', 'The whale is old. The ship is zebra.', 'the '.repeat(400)];
    const scores = await lines(texts);
    expect(scores.map(({ line, tokens, unknown }) => [line, tokens, unknown])).toEqual([[1, 6, 0], [2, 1, 0], [3, 11, 1], [4, 401, 0]]);
    for (const [i, text] of texts.entries()) expect((await lines([text]))[0].nats).toBe(scores[i].nats);
    expect(scores[0].nats).toBeCloseTo((await model.score(texts[0])).independent.nats, 4);
    for (const { nats, tokens, natsPerToken } of scores) expect(natsPerToken).toBe(nats / tokens);
  });
});

describe('loadRun', () => {
  it('says what was loaded, and refuses a run that is not there and bad options', async () => {
    expect(model).toMatchObject({ step: 40, backendId: 'reference/1', textOptions: { tokens: 'word' } });
    expect(model.vocabulary.size).toBe(11);
    await expect(loadRun(join(folder, 'cache'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(loadRun(run, { checkpoint: 'first' as 'last' })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('gives the same texts from the same parameters on one backend', async () => {
    const again = await loadRun(run, { backend: 'reference' });
    expect(await again.generate({ samples: 3 })).toEqual(await model.generate({ samples: 3 }));
    again.close();
    again.close();
    await expect(again.generate()).rejects.toMatchObject({ code: 'failed-precondition', message: 'the language model is closed' });
  });
});
