import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMicroshardComputer, MODEL_DEFAULTS, OBJECTIVE_DEFAULTS, parameterLayout, type ModelConfig } from '@bptt/core';
import { openCorpus, planEvaluation, type Corpus } from '@bptt/data';
import { decodeSafetensors, fromStateDict } from '@bptt/interop';
import { createBackend } from '@bptt/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bptt, SMALL_RUN, temporaryFolder, writeStory } from './support/cli.js';
import { findPyTorch, runScript, type ScriptEnd } from './support/pytorch.js';

const pytorch = findPyTorch();
if ('missing' in pytorch) console.warn(`skipped: PyTorch ${pytorch.missing}`);

const VOCABULARY = 24;
/** Largest relative difference of two perplexities. */
const TOLERANCE = 1e-5;
/** By name: the words that train such a model with `bptt train`, and what its configuration has beside the defaults. */
const MODELS: readonly (readonly [name: string, words: readonly string[], config: Partial<ModelConfig>])[] = [
  ['rnn', [], {}],
  ['gru', ['--cell', 'gru', '--layers', '2', '--optimizer', 'adam', '--lr', '0.01'], { cell: 'gru', hidden: [12, 12] }],
  ['lstm', ['--cell', 'lstm', '--layers', '3', '--input', 'embedding', '--embedding', '7', '--no-biases'], { cell: 'lstm', hidden: [12, 12, 12], input: 'embedding', embedding: 7, biases: false }],
  ['tied lstm', ['--cell', 'lstm', '--input', 'embedding', '--embedding', '12', '--tied'], { cell: 'lstm', input: 'embedding', embedding: 12, tied: true }],
  ['adaptive lstm', ['--cell', 'lstm', '--head', 'adaptive', '--cutoffs', '8,16', '--div-value', '2'], { cell: 'lstm', head: { kind: 'adaptive', cutoffs: [8, 16], divValue: 2 } }],
];
const NAMES = MODELS.map(([name]) => name);

describe.skipIf('missing' in pytorch)('PyTorch', () => {
  const folder = temporaryFolder();
  let corpus: Corpus;

  beforeAll(async () => {
    writeStory(folder);
    corpus = await openCorpus(join(folder, 'story.txt'), { tokens: 'word', lowercase: true, sentences: 'auto', vocabulary: VOCABULARY, cacheDirectory: join(folder, 'cache') });
    writeFileSync(join(folder, 'sentences.json'), JSON.stringify(Array.from({ length: corpus.all.sentences }, (_, i) => [...corpus.all.readSentence(i)])));
    return () => { corpus.close(); };
  });

  const run = (...words: readonly [string, ...string[]]): Promise<ScriptEnd> => runScript('python' in pytorch ? pytorch.python : '', folder, words);

  /** All models in one process: most of its time goes into loading PyTorch. */
  async function perplexitiesInPyTorch(models: readonly string[]): Promise<number[]> {
    const { stdout, stderr } = await run('perplexity.py', 'sentences.json', ...models);
    expect(stderr).toBe('');
    return stdout.trimEnd().split('\n').map((line) => (JSON.parse(line) as { perplexity: number }).perplexity);
  }

  async function trainInBptt(name: string, ...words: readonly string[]): Promise<void> {
    expect(await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, ...words, '--run', name)).toMatchObject({ code: 0, stderr: '' });
  }

  function expectSamePerplexities(pytorch: readonly number[], own: readonly number[]): void {
    expect(pytorch).toHaveLength(MODELS.length);
    NAMES.forEach((name, i) => { expect(Math.abs(pytorch[i] / own[i] - 1), name).toBeLessThanOrEqual(TOLERANCE); });
  }

  test(`loads checkpoints by load_state_dict and has the perplexities of bptt: ${NAMES.join(', ')}`, async () => {
    const own = await Promise.all(MODELS.map(async ([name, words]) => {
      await trainInBptt(name, ...words, '--truncation', 'chunk:5', '--steps', '20');
      const { independent } = JSON.parse((await bptt(folder, 'evaluate', name, 'story.txt', '--json')).stdout) as { independent: { perplexity: number } };
      return independent.perplexity;
    }));
    expectSamePerplexities(await perplexitiesInPyTorch(NAMES), own);
  });

  test(`makes models that bptt loads, with the same perplexities: ${NAMES.join(', ')}`, async () => {
    const models = MODELS.map(([name, , changes]) => ({ file: `${name}.safetensors`, model: { ...MODEL_DEFAULTS, vocabulary: VOCABULARY, hidden: [12], ...changes } }));
    const options = models.flatMap(({ file, model }) => ['--model', JSON.stringify(model), file]);
    expect(await run('export_model.py', ...options, '--seed', '3')).toMatchObject({ code: 0, stderr: '' });
    const own: number[] = [];
    for (const { file, model } of models) {
      const { tensors } = decodeSafetensors(readFileSync(join(folder, file)));
      own.push(await perplexityInBptt(model, fromStateDict(parameterLayout(model), tensors), corpus));
    }
    expectSamePerplexities(await perplexitiesInPyTorch(models.map(({ file }) => file)), own);
  });

  test('refuses what it has no module for', async () => {
    const refused: readonly (readonly [Partial<ModelConfig>, string])[] = [
      [{ hidden: [12, 8] }, 'hidden: expected layers of one size, as nn.RNN has, got [12, 8]\n'],
      [{ cell: 'gru', resetBefore: true }, 'resetBefore: expected false, got true: the reset gate of nn.GRU acts after the recurrent product\n'],
      [{ input: 'dense' }, 'input: expected words, onehot or embedding, got dense\n'],
    ];
    await Promise.all(refused.map(async ([changes, stderr]) => {
      const model = JSON.stringify({ ...MODEL_DEFAULTS, vocabulary: VOCABULARY, ...changes });
      expect(await run('export_model.py', '--model', model, 'never.safetensors')).toEqual({ code: 1, stdout: '', stderr });
    }));
  });

  test('trains whole sentences beside bptt with the same losses', async () => {
    await trainInBptt('sentences', '--layers', '2', '--steps', '40');
    const { code, stdout, stderr } = await run('train_beside.py', 'sentences', '--steps', '40', '--control');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/\nlargest deviation: loss \S+ at step \d+, norm \S+ at step \d+, PyTorch from itself \S+ at step \d+\n$/);
  });

  test('trains an LSTM on a stream beside bptt, free and in lockstep, and shows where they are not the same', async () => {
    await trainInBptt('stream', '--cell', 'lstm', '--layers', '2', '--truncation', 'chunk:5', '--reduction', 'sentenceSum', '--steps', '40');
    const compare = (): Promise<ScriptEnd[]> => Promise.all([[], ['--lockstep']].map((words) => run('train_beside.py', 'stream', '--steps', '40', ...words)));
    const [free, lockstep] = await compare();
    expect(free).toMatchObject({ code: 0, stderr: '' });
    expect(lockstep).toMatchObject({ code: 0, stderr: '' });
    const largest = (name: string): number => Number(new RegExp(`\nlargest deviation:.* ${name} (\\S+) at`).exec(lockstep.stdout)?.[1]);
    expect(largest('loss')).toBeLessThanOrEqual(1e-6);
    expect(largest('update')).toBeLessThanOrEqual(1e-4);
    spoilLoss(join(folder, 'stream', 'journal.jsonl'), 30);
    const [spoilt, refused] = await compare();
    expect(spoilt).toMatchObject({ code: 1, stdout: expect.stringMatching(/largest deviation: loss \S+ at step 30,/) as string });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/step 30: expected \S+ as sum of the losses, as the run has, got/) as string });
  });
});

async function perplexityInBptt(model: ModelConfig, parameters: Float32Array, corpus: Corpus): Promise<number> {
  const backend = (await createBackend('auto')).create();
  const computer = createMicroshardComputer({ backend, model, objective: OBJECTIVE_DEFAULTS, seed: 1 });
  computer.setParameters(parameters);
  const plan = planEvaluation(corpus.all);
  let nats = 0;
  for (let i = 0; i < plan.count; i += 1) nats += (await computer.evaluate(plan.microshard(i))).lossSum;
  backend.dispose();
  return Math.exp(nats / corpus.all.tokens);
}

/** Makes the journalled loss of a step larger by a hundredth. */
function spoilLoss(journal: string, step: number): void {
  const lines = readFileSync(journal, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { step: number; lossSum: number });
  writeFileSync(journal, lines.map((line) => `${JSON.stringify(line.step === step ? { ...line, lossSum: line.lossSum * 1.01 } : line)}\n`).join(''));
}
