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
const MODELS = [
  ['one-hot words', []],
  ['an embedding, two layers, no biases', ['--input', 'embedding', '--embedding', '7', '--layers', '2', '--no-biases']],
] as const;

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

  async function perplexityInPyTorch(model: string): Promise<number> {
    const { stdout, stderr } = await run('perplexity.py', model, 'sentences.json');
    expect(stderr).toBe('');
    return (JSON.parse(stdout) as { perplexity: number }).perplexity;
  }

  test.each(MODELS)('loads a checkpoint by load_state_dict and has the perplexity of bptt: %s', async (_, words) => {
    const name = `run-${String(words.length)}`;
    const trained = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, ...words, '--truncation', 'chunk:5', '--steps', '20', '--run', name);
    expect(trained).toMatchObject({ code: 0, stderr: '' });
    const { perplexity } = JSON.parse((await bptt(folder, 'evaluate', name, 'story.txt', '--json')).stdout) as { perplexity: number };
    expect(Math.abs((await perplexityInPyTorch(name)) / perplexity - 1)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('makes a model that bptt loads, with the same perplexity', async () => {
    const model: ModelConfig = { ...MODEL_DEFAULTS, input: 'embedding', vocabulary: VOCABULARY, embedding: 6, hidden: [9, 9] };
    expect(await run('export_model.py', JSON.stringify(model), 'fresh.safetensors', '--seed', '3')).toMatchObject({ code: 0, stderr: '' });
    const { tensors } = decodeSafetensors(readFileSync(join(folder, 'fresh.safetensors')));
    const perplexity = await perplexityInBptt(model, fromStateDict(parameterLayout(model), tensors), corpus);
    expect(Math.abs((await perplexityInPyTorch('fresh.safetensors')) / perplexity - 1)).toBeLessThanOrEqual(TOLERANCE);
  });

  test.each(['full', 'chunk:5'])('trains beside bptt with the same losses, truncation %s, and shows it where they are not', async (truncation) => {
    const name = `beside-${truncation.replace(':', '-')}`;
    await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--layers', '2', '--truncation', truncation, '--steps', '60', '--run', name);
    const compare = ['train_beside.py', name, '--steps', '60'] as const;
    const same = await run(...compare);
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(Number(/largest deviation of a loss (\S+) at/.exec(same.stdout)?.[1])).toBeLessThanOrEqual(1e-3);
    spoilLoss(join(folder, name, 'journal.jsonl'), 30);
    expect(await run(...compare)).toMatchObject({ code: 1, stdout: expect.stringContaining('at step 30,') as string });
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
