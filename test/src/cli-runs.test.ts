import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bptt, SMALL_RUN, temporaryFolder, writeStory, type Ended } from './support/cli.js';

const folder = temporaryFolder();
let runs: Ended[] = [];

beforeAll(async () => {
  writeStory(folder);
  runs = await Promise.all([['--cell', 'lstm'], ['--lr', '0.5', '--valid-every', '5']].map((words, i) =>
    bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '10', '--threads', '1', '--run', `runs/${['long', 'slow'][i]}`, '--cache', `cache-${String(i)}`, ...words)));
});

describe('bptt runs', () => {
  it('has a row for every run below runs/, with what the runs themselves said', async () => {
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    const { code, stdout } = await bptt(folder, 'runs');
    expect(code).toBe(0);
    const [heading, ...rows] = stdout.trimEnd().split('\n');
    expect(heading).toMatch(/^run +model +parameters +optimizer +steps +tokens +train loss +valid perplexity +best +tokens\/s +sha256$/);
    expect(rows).toHaveLength(2);
    runs.forEach((run, i) => {
      const perplexity = /validation loss \S+ nats\/token, perplexity ([\d.]+)/.exec(run.stdout)?.[1];
      const hash = /parameters sha256 (\w{12})/.exec(run.stdout)?.[1];
      expect(rows[i]).toMatch(new RegExp(`^runs/${['long +lstm 12', 'slow +rnn tanh 12'][i]} .* sgd +10 .* ${String(perplexity)} .*${String(hash)}$`));
    });
  });

  it('says in what runs differ', async () => {
    const { code, stdout } = await bptt(folder, 'runs', 'runs/long', 'runs/slow', '--json');
    expect(code).toBe(0);
    const events = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.filter(({ event }) => event === 'difference')).toEqual([
      { event: 'difference', key: 'learningRate', values: ['1', '0.5'] },
      { event: 'difference', key: 'model.cell', values: ['"lstm"', '"rnn"'] },
      { event: 'difference', key: 'validEvery', values: ['0', '5'] },
    ]);
    expect(events.find(({ event }) => event === 'run')).toMatchObject({ runDirectory: 'runs/long', step: 10, parameters: expect.any(Number) as unknown });
  });

  it('warns of a damaged run among others, and refuses one that is named', async () => {
    const mixed = temporaryFolder();
    cpSync(join(folder, 'runs'), join(mixed, 'runs'), { recursive: true });
    writeFileSync(join(mixed, 'runs', 'long', 'config.json'), '{');
    const { code, stdout, stderr } = await bptt(mixed, 'runs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'bptt: warning: run runs/long is left out: runs/long/config.json is not JSON\n' });
    expect(stdout.trimEnd().split('\n').map((line) => line.split(' ')[0])).toEqual(['run', 'runs/slow']);
    expect(await bptt(mixed, 'runs', 'runs/slow', 'runs/long')).toMatchObject({ code: 1, stdout: '', stderr: 'bptt: runs/long/config.json is not JSON\n' });
  });

  it('refuses a folder without a run', async () => {
    expect(await bptt(folder, 'runs', 'none')).toMatchObject({ code: 2, stderr: 'bptt: none holds no run: it has no config.json\n' });
    expect(await bptt(temporaryFolder(), 'runs')).toMatchObject({ code: 2, stderr: 'bptt: expected runs in ./runs, found none; name their folders\n' });
  });
});

describe('--recipe and --dry-run', () => {
  it('say what a recipe is and what a run of it would need, and make no run', async () => {
    const words = ['--recipe', 'zaremba-small', '--vocabulary', '24', '--hidden', '20', '--run', 'planned', '--dry-run'] as const;
    const [list, one, plain, json] = await Promise.all([
      bptt(folder, 'recipes'), bptt(folder, 'recipes', 'zaremba-small'), bptt(folder, 'train', 'story.txt', ...words), bptt(folder, 'launch', 'story.txt', '--workers', '2', ...words, '--json'),
    ]);
    expect(list.stdout.trimEnd().split('\n')).toHaveLength(7);
    expect(one.stdout).toMatch(/^zaremba-small: LSTM 2 x 200.*\nsource: Zaremba.*\n[^]* {2}truncation chunk:20\n/);
    expect(plain).toMatchObject({ code: 0, stderr: '' });
    // Embedding 24 x 200; two layers of 20 with 4 gates; output 24 x 20 and 24.
    const parameters = 24 * 200 + 80 * (200 + 20) + 160 + 80 * (20 + 20) + 160 + 24 * 20 + 24;
    expect(plain.stdout).toMatch(/model lstm 20-20; backend (blas-|simd)/);
    expect(plain.stdout).toContain(`parameters ${String(parameters).replace(/(\d)(\d{3})$/, '$1,$2')} (0.1 MiB)`);
    expect(plain.stdout).toMatch(/this process [\d.]+ MiB after one microshard on one thread$/m);
    expect(plain.stdout).toMatch(/a microshard takes [\d.]+ ms; on \d+ threads? computing takes about/);
    expect(JSON.parse(json.stdout)).toMatchObject({ event: 'dry-run', parameters, pulledBytes: 4 * parameters, checkpointBytes: 4 * parameters, serverBytes: expect.any(Number) as unknown });
    expect(existsSync(join(folder, 'planned'))).toBe(false);
  });

  it('keep the words that a text has where it has fewer than the recipe would keep', async () => {
    const { code, stdout } = await bptt(folder, 'train', 'story.txt', '--recipe', 'char-lstm', '--batch', '10', '--dry-run', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ model: { cell: 'lstm', vocabulary: expect.any(Number) as unknown }, stepsPerEpoch: expect.any(Number) as unknown });
    expect((JSON.parse(stdout) as { model: { vocabulary: number } }).model.vocabulary).toBeLessThan(32);
  });
});
