import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bptt, SMALL_RUN, startBptt, temporaryFolder, writeStory } from './support/cli.js';

const folder = temporaryFolder();
const run = join('runs', 'story');
beforeAll(async () => {
  writeStory(folder);
  expect((await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '60')).code).toBe(0);
});

interface Sample {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly logProbability: number;
  readonly ended: boolean;
}

async function samples(...words: readonly string[]): Promise<Sample[]> {
  const { code, stdout, stderr } = await bptt(folder, 'generate', run, '--json', ...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Sample);
}

describe('bptt generate', () => {
  it('keeps to the words that it was told, and gives a sample alone as among others', async () => {
    const [many, one] = await Promise.all([
      samples('--samples', '6', '--require', 'storm', '--forbid', 'the whale', '--stop', '.', '--length', '12', '--seed', '9'),
      samples('--require', 'storm', '--forbid', 'the whale', '--stop', '.', '--length', '12', '--seed', '9'),
    ]);
    expect(many).toHaveLength(6);
    for (const { text, tokens, logProbability, ended } of many) {
      expect(tokens).toContain('storm');
      expect(text).not.toMatch(/\b(the|whale)\b/);
      expect(logProbability).toBeLessThan(0);
      expect(ended || tokens.length === 12).toBe(true);
    }
    expect(one).toEqual(many.slice(0, 1));
  });

  it('searches with a beam, best first', async () => {
    const found = await samples('--beam', '6', '--samples', '3', '--prompt', 'the', '--length', '8', '--length-exponent', '0');
    expect(found.map(({ logProbability }) => logProbability)).toEqual(found.map(({ logProbability }) => logProbability).sort((a, b) => b - a));
    for (const { tokens } of found) expect(tokens[0]).toBe('the');
  });

  it.each<[string, string[], RegExp]>([
    ['a required word that the run does not know', ['--require', 'zebra'], /require: .*zebra/],
    ['more samples than the beam', ['--beam', '2', '--samples', '3'], /samples: expected at most the beam/],
    ['a beam that draws', ['--beam', '2', '--top-k', '5'], /topK: expected 0 with a beam/],
    ['a best checkpoint that is not there', ['--checkpoint', 'best'], /expected a best checkpoint.*found none/],
  ])('refuses %s with one line and exit code 2', async (_name, words, message) => {
    rmSync(join(folder, run, 'checkpoints', 'best.safetensors'), { force: true });
    const { code, stdout, stderr } = await bptt(folder, 'generate', run, ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^bptt: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });
});

describe('bptt evaluate', () => {
  it('scores standard input as it scores the file', async () => {
    const story = readFileSync(join(folder, 'story.txt'), 'utf8');
    const [file, input] = await Promise.all([bptt(folder, 'evaluate', run, 'story.txt'), startBptt(folder, ['evaluate', run, '-'], story).ended]);
    expect(file).toMatchObject({ code: 0, stderr: '' });
    expect(file.stdout).toMatch(/^scored all of story\.txt: 60 sentences, .* 0 of them unknown \(0\.00%\)\n[\d,]+ characters\nsentences independent: \S+ nats\/token, perplexity \S+, \S+ bits\/character\nstate carried: .*\n$/);
    expect(input).toEqual({ ...file, stdout: file.stdout.replace('all of story.txt', 'all of standard input') });
  });

  it('scores line by line, a row each in their order', async () => {
    const lines = ['The whale ship.', '', 'ship zebra whale the', 'night day deck. Mast.'].join('\n');
    const [table, json] = await Promise.all([[], ['--json']].map((words) => startBptt(folder, ['evaluate', run, '-', '--per-line', ...words], lines).ended));
    expect(table).toMatchObject({ code: 0, stderr: '' });
    const rows = table.stdout.trimEnd().split('\n').map((row) => row.split('\t'));
    expect(rows.map(([line, , tokens, unknown]) => [line, tokens, unknown])).toEqual([['1', '5', '0'], ['2', '1', '0'], ['3', '5', '1'], ['4', '7', '0']]);
    const objects = json.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, number>);
    expect(objects.map(({ nats, natsPerToken }) => [nats.toFixed(4), natsPerToken.toFixed(4)])).toEqual(rows.map(([, nats, , , perToken]) => [nats, perToken]));
  });

  it('refuses lines of what has none, and empty input', async () => {
    for (const [words, message] of [[['dataset:sotu', '--per-line'], /expected a file or -/], [['none.txt', '--per-line'], /found nothing/], [['-'], /^bptt: corpus standard input: expected text, got none\n$/]] as const) {
      const { code, stderr } = await bptt(folder, 'evaluate', run, ...words);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
  });
});
