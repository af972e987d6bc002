import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BpttError, createMicroshardComputer, reduceTree, type Backend } from '@bptt/core';
import { openCorpus, planEvaluation, UNKNOWN_TOKEN, type Corpus, type Split } from '@bptt/data';
import { createBackend } from '@bptt/worker';
import { evaluateSchema, type Flags } from '../config.js';
import { EXIT, InterruptedError, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { watchInterrupts } from '../parent.js';
import { formatCount, formatLoss, formatPerplexity } from '../progress.js';
import { parseSettings } from '../settings-schema.js';
import { loadTrainedModel, type TrainedModel } from '../trained-model.js';

/** How well a model predicts a text, every sentence for itself. */
export interface Evaluation {
  /** Nats per token. */
  readonly loss: number;
  readonly perplexity: number;
  /** Targets: all words and sentence ends. */
  readonly tokens: number;
  readonly sentences: number;
  /** Share of the targets that are UNKNOWN_TOKEN, in [0, 1]. */
  readonly unknownShare: number;
}

/** `bptt evaluate <run> <corpus>`. */
export async function evaluate(run: string, corpusName: string, { json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { backend, cache } = parseSettings(evaluateSchema, flags);
  const signal = watchInterrupts();
  const trained = loadTrainedModel(run, (message) => { processOutput.warn(message); });
  const corpus = await openCorpus(corpusName, { ...trained.text, vocabulary: trained.vocabulary, cacheDirectory: cache, signal });
  const instance = createBackend(backend).create();
  try {
    const { split, name, path } = await chooseSplit(corpusName, corpus);
    const evaluation = await evaluateSplit(trained, split, instance, signal);
    const characters = path === undefined ? undefined : await countCharacters(path);
    const bitsPerCharacter = characters === undefined ? undefined : (evaluation.loss * evaluation.tokens) / Math.LN2 / characters;
    if (json) processOutput.line(JSON.stringify({ event: 'evaluation', scored: name, ...evaluation, bitsPerCharacter: bitsPerCharacter ?? null, characters: characters ?? null, parametersSha256: trained.parametersSha256 }));
    else for (const line of evaluationLines(evaluation, name, { characters, bitsPerCharacter })) processOutput.line(line);
  } finally {
    instance.dispose();
    corpus.close();
  }
  return EXIT.done;
}

/** What of a corpus is scored: of a file all, of a folder or data set the test split. `path`: the file whose characters these are. */
async function chooseSplit(corpusName: string, corpus: Corpus): Promise<{ split: Split; name: string; path: string | undefined }> {
  const isFile = !corpusName.startsWith('dataset:') && (await stat(corpusName)).isFile();
  if (isFile) return { split: corpus.all, name: `all of ${corpusName}`, path: corpusName };
  const path = corpusName.startsWith('dataset:') ? undefined : join(corpusName, 'test.txt');
  return { split: corpus.test, name: `test split of ${corpusName}`, path };
}

/**
 * Scores a split. Losses are added along the canonical tree, as in training.
 * @throws BpttError `invalid-argument` for a split without targets
 */
export async function evaluateSplit({ model, parameters }: Pick<TrainedModel, 'model' | 'parameters'>, split: Split, backend: Backend, signal?: AbortSignal): Promise<Evaluation> {
  if (split.tokens === 0) throw new BpttError('invalid-argument', 'evaluate: expected at least one sentence, got none');
  const plan = planEvaluation(split);
  const computer = createMicroshardComputer({ backend, model, truncation: { kind: 'full' } });
  computer.setParameters(parameters);
  const losses: number[] = [];
  let unknown = 0;
  for (let i = 0; i < plan.count; i += 1) {
    if (signal?.aborted === true) throw new InterruptedError('scoring');
    const microshard = plan.microshard(i);
    losses.push((await computer.evaluate(microshard)).lossSum);
    for (const target of microshard.targets) if (target === UNKNOWN_TOKEN) unknown += 1;
  }
  const lossSum = reduceTree({ begin: 0, width: plan.count }, (i) => losses[i], (left, right) => left + right) ?? NaN;
  const loss = lossSum / split.tokens;
  return { loss, perplexity: Math.exp(loss), tokens: split.tokens, sentences: split.sentences, unknownShare: unknown / split.tokens };
}

/** Unicode code points of a UTF-8 file. */
export async function countCharacters(path: string): Promise<number> {
  let count = 0;
  // Every code point has exactly one byte that does not continue another.
  for await (const chunk of createReadStream(path)) for (const byte of chunk as Buffer) if ((byte & 0xc0) !== 0x80) count += 1;
  return count;
}

function evaluationLines(
  { loss, tokens, sentences, unknownShare }: Evaluation,
  name: string,
  { characters, bitsPerCharacter }: { readonly characters: number | undefined; readonly bitsPerCharacter: number | undefined },
): string[] {
  const bits = bitsPerCharacter === undefined || characters === undefined
    ? 'bits/char not known: the characters of this split are not counted'
    : `bits/char ${bitsPerCharacter.toFixed(4)} over ${formatCount(characters)} characters`;
  return [
    `scored ${name}: ${formatCount(sentences)} sentences, each for itself, ${formatCount(tokens)} tokens, ${(unknownShare * 100).toFixed(2)}% UNKNOWN_TOKEN`,
    `loss ${formatLoss(loss)} nats/token`,
    `perplexity ${formatPerplexity(loss)}`,
    bits,
  ];
}
