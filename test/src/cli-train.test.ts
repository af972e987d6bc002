import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bptt, printedSha256, SMALL_RUN, startBptt, temporaryFolder, writeStory } from './support/cli.js';

/** What `evaluate --json` writes. */
interface Score extends Record<'tokens' | 'characters', number> {
  readonly independent: Record<string, number>;
  readonly carried: Record<string, number>;
}

const folder = temporaryFolder();
beforeAll(() => { writeStory(folder); });

describe('bptt train', () => {
  it('trains, reports, and leaves a run that can be sampled, scored and gone on with', async () => {
    const trained = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '60', '--samples', '2');
    expect(trained).toMatchObject({ code: 0, stderr: '' });
    const [model, unigram] = [/validation loss [\d.]+ nats\/token, perplexity ([\d.]+)/, /add-one unigram model.*perplexity ([\d.]+)/].map((pattern) => Number(pattern.exec(trained.stdout)?.[1]));
    expect(model).toBeLessThan(unigram);
    expect(trained.stdout.match(/^step /gm)?.length).toBeLessThanOrEqual(20);
    expect(trained.stdout).toMatch(/\nfinished after 60 steps\n/);
    expect(trained.stdout.match(/\nsample \d: ./g)).toHaveLength(2);
    expect(trained.stdout).not.toMatch(/[\r\u001b]/);
    const sha256 = printedSha256(trained);
    const run = join('runs', 'story');

    const sample = ['generate', run, '--samples', '4', '--length', '6', '--seed', '3', '--prompt', 'The whale'];
    const generated = await bptt(folder, ...sample);
    expect(generated).toMatchObject({ code: 0, stderr: '' });
    expect(generated.stdout.match(/^the whale.*$/gm)).toHaveLength(4);
    expect(generated.stdout).not.toMatch(/SENTENCE_|UNKNOWN/);
    expect(await bptt(folder, ...sample)).toEqual(generated);
    const unknown = await bptt(folder, 'generate', run, '--prompt', 'zebra', '--json');
    expect(unknown.stderr).toMatch(/^bptt: warning: .*zebra\n$/);
    expect(JSON.parse(unknown.stdout)).toMatchObject({ event: 'sample', index: 0 });

    const scored = await bptt(folder, 'evaluate', run, 'story.txt', '--json');
    const evaluation = JSON.parse(scored.stdout) as Score;
    expect(evaluation).toMatchObject({ event: 'evaluation', parametersSha256: sha256, unknown: 0, characters: readFileSync(join(folder, 'story.txt'), 'utf8').length });
    for (const { nats, natsPerToken, perplexity, bitsPerCharacter } of [evaluation.independent, evaluation.carried]) {
      expect(perplexity).toBeCloseTo(Math.exp(natsPerToken), 10);
      expect(perplexity).toBeLessThan(unigram);
      expect(natsPerToken).toBeCloseTo(nats / evaluation.tokens, 12);
      expect(bitsPerCharacter).toBeCloseTo(nats / Math.LN2 / evaluation.characters, 10);
    }

    const resumed = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '65', '--resume');
    const whole = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '65', '--run', 'whole');
    expect(resumed.code).toBe(0);
    expect(printedSha256(resumed)).toBe(printedSha256(whole));

    const other = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--hidden', '13', '--resume');
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/^bptt: .*hidden was \[12\], given \[13\]\n$/);
  });

  it.each([['full'], ['chunk:5']])('ends with the same parameters whatever the threads, with truncation %s', async (truncation) => {
    const runs = [1, 2].map((threads) => bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '25', '--truncation', truncation, '--threads', String(threads), '--run', `${truncation}-${String(threads)}`));
    const [one, two] = await Promise.all(runs);
    expect(printedSha256(one)).toBe(printedSha256(two));
  });

  it('writes JSON lines and nothing else with --json, the last one done', async () => {
    const { code, stdout, stderr } = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', '5', '--json', '--samples', '1', '--run', 'json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const events = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.filter(({ event }) => event === 'step')).toHaveLength(5);
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['started', 'validation', 'checkpoint', 'sample']));
    const done = events.at(-1) ?? {};
    expect(done).toMatchObject({ event: 'done', step: 5, parametersSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    expect(['trainLoss', 'validLoss', 'tokensPerSecond'].map((key) => typeof done[key])).toEqual(['number', 'number', 'number']);
  });

  it('stops at Ctrl-C with a checkpoint and code 130, and goes on to where it would have been', async () => {
    const run = startBptt(folder, ['train', 'story.txt', ...SMALL_RUN, '--steps', '100000', '--run', 'stopped']);
    await run.shows(/worker w1 joined/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    run.process.kill('SIGINT');
    const { code, stdout } = await run.ended;
    const step = Number(/interrupted after ([\d,]+) steps/.exec(stdout)?.[1].replaceAll(',', ''));
    expect({ code, step }).toEqual({ code: 130, step: expect.any(Number) as unknown });
    expect(existsSync(join(folder, 'stopped', 'LATEST'))).toBe(true);
    const steps = String(step + 5);
    const [resumed, whole] = await Promise.all([
      bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', steps, '--run', 'stopped', '--resume'),
      bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--steps', steps, '--run', 'undisturbed'),
    ]);
    expect(printedSha256(resumed)).toBe(printedSha256(whole));
  });

  it('replaces a run with --overwrite', async () => {
    const words = ['train', 'story.txt', ...SMALL_RUN, '--steps', '2', '--run', 'again'];
    const first = printedSha256(await bptt(folder, ...words));
    expect((await bptt(folder, ...words)).code).toBe(2);
    expect(printedSha256(await bptt(folder, ...words, '--overwrite'))).toBe(first);
    rmSync(join(folder, 'again'), { recursive: true });
  });
});

describe('other commands', () => {
  it('help lists the commands', async () => {
    const { code, stdout } = await bptt(folder, '--help');
    expect(code).toBe(0);
    for (const name of ['train', 'launch', 'serve', 'work', 'generate', 'evaluate', 'gradcheck', 'status', 'doctor']) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it('gradcheck passes on every backend, and fails below what float32 can do', async () => {
    const checks = await Promise.all([[], ['--backend', 'simd', '--truncation', 'window:2', '--layers', '2'], ['--backend', 'reference', '--input', 'embedding', '--no-biases'], ['--backend', 'simd', '--tolerance', '1e-12']]
      .map((words) => bptt(folder, 'gradcheck', ...words)));
    expect(checks.map(({ code }) => code)).toEqual([0, 0, 0, 1]);
    expect(checks[0].stdout).toMatch(/^backend reference-f64\/1\ncompared \d+ elements .*\nlargest relative error \S+ at \S+\npassed: tolerance 1e-6\n$/);
  });

  it('doctor says what really executes', async () => {
    const { code, stdout } = await bptt(folder, 'doctor', '--json');
    const findings = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { name: string; ok: boolean; text: string });
    expect(code).toBe(0);
    expect(findings.find(({ name }) => name === 'backend simd')).toMatchObject({ ok: true, text: expect.stringContaining('WebAssembly SIMD') as unknown });
    const gpu = (device: string) => findings.find(({ name }) => name === `backend gpu ${device}`);
    expect(gpu('webasm')).toMatchObject({ ok: true, text: expect.stringMatching(/^gpu-webasm-v8-\S+, executes gpu.js WebAssemblyKernel, fused-sync plans; gradient right$/) as unknown });
    expect(gpu('cpu')).toMatchObject({ ok: true, text: expect.stringContaining('executes gpu.js CPUKernel, generic plans (') as unknown });
    expect(gpu('webgpu')?.ok).toBe(findings.find(({ name }) => name === 'WebGPU adapters')?.ok);
    expect(findings.find(({ name }) => name === 'node')?.text).toContain(process.version);
  });
});
