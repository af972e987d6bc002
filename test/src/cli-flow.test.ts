import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bptt, SMALL_RUN, temporaryFolder, writeStory } from './support/cli.js';

const folder = temporaryFolder();
const rnn = join('runs', 'rnn');
const lstm = join('runs', 'lstm');
beforeAll(async () => {
  writeStory(folder);
  writeFileSync(join(folder, 'line.txt'), 'The whale ship.');
  for (const [run, words] of [[rnn, []], [lstm, ['--cell', 'lstm', '--layers', '2']]] as const) {
    expect(await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '30', '--run', run, ...words)).toMatchObject({ code: 0 });
  }
});

interface Flow {
  readonly flow: readonly { readonly layer: number; readonly part: string; readonly lags: readonly { readonly median: number; readonly count: number }[]; readonly eFold: number | null }[];
  readonly jacobians: readonly { readonly layer: number; readonly of: string; readonly lags: readonly { readonly lag: number; readonly aboveOne: number }[] }[];
  readonly bounds: readonly { readonly perStep?: number; readonly absent?: string }[];
}

async function measured(run: string, ...words: readonly string[]): Promise<Flow> {
  const { code, stdout, stderr } = await bptt(folder, 'flow', run, 'story.txt', '--json', ...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd()).not.toContain('\n');
  return JSON.parse(stdout) as Flow;
}

describe('bptt flow', () => {
  it('shows tables to people', async () => {
    const { code, stdout, stderr } = await bptt(folder, 'flow', rnn, 'story.txt');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^measured on all of story\.txt: \d+ sentences that reach back \d+ steps or more, [\d,]+ tokens\n/);
    for (const line of [/^layer 0, h: e-fold distance .* steps, decay \S+ a step$/m, /^layer 0, h: over one step .* above 1/m, /^ {2}bound: \(gamma \|\|W_hh\|\|_2\)\^lag/m, /^ {2}layer 0 s \(tanh\) +\S+% +\S+% +\S+%$/m, /^ {2}window:4 +\d\.\d{4} +\d\.\d{4}$/m]) {
      expect(stdout).toMatch(line);
    }
  });

  it('gives one JSON object with every lag, layer and part, the same for the same seed', async () => {
    const words = ['--lags', '5', '--jacobian-lags', '1,3', '--jacobian-samples', '4', '--truncations', 'window:1,chunk:2', '--sentences', '20'];
    const [first, again, other] = await Promise.all([measured(lstm, ...words), measured(lstm, ...words), measured(lstm, ...words, '--seed', '2')]);
    expect(first).toMatchObject({ event: 'flow', measured: 'all of story.txt', sentences: 20, lags: 5, step: 30, backend: expect.stringMatching(/^(blas-|simd)/) as unknown, parametersSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    expect(first.flow.map(({ layer, part, lags }) => [layer, part, lags.length])).toEqual([[0, 'h', 6], [0, 'c', 6], [1, 'h', 6], [1, 'c', 6]]);
    expect(first.jacobians.map(({ layer, of, lags }) => [layer, of, lags[0].lag])).toEqual([[0, 'h', 1], [0, 'h, c', 1], [1, 'h', 1], [1, 'h, c', 1]]);
    expect(first.bounds.every(({ absent }) => absent?.includes('gates'))).toBe(true);
    expect(first).toMatchObject({ truncations: [{ truncation: 'window:1' }, { truncation: 'chunk:2' }], spectra: { length: 8 }, saturation: { length: 10 } });
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('measures on the reference backend what it measures on the default one', async () => {
    const [simd, reference] = await Promise.all([measured(rnn), measured(rnn, '--backend', 'reference')]);
    simd.flow[0].lags.forEach(({ median, count }, lag) => {
      expect(reference.flow[0].lags[lag].count).toBe(count);
      expect(Math.abs(reference.flow[0].lags[lag].median / median - 1)).toBeLessThan(1e-3);
    });
    expect(typeof simd.bounds[0].perStep).toBe('number');
  });

  it.each<[string, string[], RegExp]>([
    ['lags that are no number', ['story.txt', '--lags', 'x'], /lags: expected a whole number from 1 to 255, got "x"/],
    ['lags beyond the longest sentence', ['story.txt', '--lags', '100'], /lags: expected at most \d+, as far as the longest sentence of the text reaches, got 100/],
    ['a text of short sentences', ['line.txt', '--lags', '5'], /lags: expected at most 4, .* got 5/],
    ['Jacobians beyond the lags', ['story.txt', '--lags', '3', '--jacobian-lags', '4'], /jacobianLags: expected at most 3, as many as lags, got 4/],
    ['a truncation that is none', ['story.txt', '--truncations', 'short'], /truncations: expected full, window:k .* got "short"/],
    ['a text that is not there', ['none.txt'], /none\.txt/],
  ])('refuses %s with one line and exit code 2', async (_name, words, message) => {
    const { code, stdout, stderr } = await bptt(folder, 'flow', rnn, ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^bptt: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });
});
