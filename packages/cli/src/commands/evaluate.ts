import { readLines } from '@bptt/data';
import type { Evaluation, LanguageModel, Likelihood, LineScore } from '@bptt/trainer';
import { parseSettings } from '@bptt/trainer/settings';
import { evaluateSchema, type Flags } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { watchInterrupts } from '../parent.js';
import { formatCount, formatLoss, formatPerplexity } from '../progress.js';
import { assertLines, openBytes, STANDARD_INPUT, STANDARD_INPUT_NAME } from '../scored-text.js';
import { withRun, withScoredText } from '../with-run.js';

interface EvaluateFlags extends Flags {
  readonly json?: boolean;
  readonly perLine?: boolean;
}

/** `bptt evaluate <run> <corpus>`. */
export async function evaluate(run: string, source: string, { json = false, perLine = false, ...flags }: EvaluateFlags): Promise<ExitCode> {
  const { backend, device, checkpoint, cache } = parseSettings(evaluateSchema, flags);
  const signal = watchInterrupts();
  await withRun(run, { backend, device, checkpoint }, (model) => (perLine ? scoreLines(model, source, { signal, json }) : scoreText(model, source, { signal, json, cache })));
  return EXIT.done;
}

interface How {
  readonly signal: AbortSignal;
  readonly json: boolean;
}

function scoreText(model: LanguageModel, source: string, { signal, json, cache }: How & { readonly cache: string }): Promise<void> {
  return withScoredText(source, model, cache, async ({ name, split, characters }) => {
    const evaluation = await model.scoreSplit(split, { characters, signal });
    if (json) processOutput.line(evaluationJson(evaluation, name, model.parametersSha256));
    else for (const line of evaluationLines(evaluation, name)) processOutput.line(line);
  });
}

async function scoreLines(model: LanguageModel, source: string, { signal, json }: How): Promise<void> {
  await assertLines(source);
  const lines = readLines(openBytes(source), source === STANDARD_INPUT ? STANDARD_INPUT_NAME : source);
  for await (const score of model.scoreLines(lines, { signal })) {
    processOutput.line(json ? JSON.stringify({ event: 'line', ...score }) : lineRow(score));
  }
}

/** One line as a row with tabs: number, nats, tokens, unknown tokens, nats/token. */
export function lineRow({ line, nats, tokens, unknown, natsPerToken }: LineScore): string {
  return [String(line), nats.toFixed(4), String(tokens), String(unknown), natsPerToken.toFixed(4)].join('\t');
}

/** Numbers that are not known are null. */
export function evaluationJson(evaluation: Evaluation, name: string, parametersSha256: string): string {
  const { tokens, sentences, unknown, characters = null } = evaluation;
  const numbers = ({ bitsPerCharacter = NaN, ...rest }: Likelihood): object => ({ ...rest, bitsPerCharacter });
  return JSON.stringify({
    event: 'evaluation', scored: name, sentences, tokens, unknown, unknownShare: unknown / tokens, characters,
    independent: numbers(evaluation.independent), carried: numbers(evaluation.carried), parametersSha256,
  });
}

/** For people. */
export function evaluationLines({ tokens, sentences, unknown, characters, independent, carried }: Evaluation, name: string): string[] {
  const share = ((unknown / tokens) * 100).toFixed(2);
  return [
    `scored ${name}: ${formatCount(sentences)} sentences, ${formatCount(tokens)} tokens, ${formatCount(unknown)} of them unknown (${share}%)`,
    characters === undefined ? 'bits/character not known: the characters of this split are not counted' : `${formatCount(characters)} characters`,
    `sentences independent: ${likelihoodText(independent)}`,
    `state carried:         ${likelihoodText(carried)}`,
  ];
}

function likelihoodText({ natsPerToken, bitsPerCharacter }: Likelihood): string {
  const bits = bitsPerCharacter === undefined ? '' : `, ${bitsPerCharacter.toFixed(4)} bits/character`;
  return `${formatLoss(natsPerToken)} nats/token, perplexity ${formatPerplexity(natsPerToken)}${bits}`;
}
