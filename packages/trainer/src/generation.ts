import {
  beamSearch, beginText, BpttError, extendText, logSumExp, nextWords, pickLanes, rowOf, sampleWord, stateSize, stream,
  type FloatArray, type ModelConfig, type RandomStream, type SamplingOptions, type Stepper, type TextRules, type TextState,
} from '@bptt/core';
import { throwIfInterrupted } from './interruption.js';

/** What texts are generated from, in word ids. */
export interface GenerationTask {
  readonly stepper: Pick<Stepper, 'step'>;
  readonly model: ModelConfig;
  /** Word that opens every sentence. */
  readonly start: number;
  /** Words that every text begins with. */
  readonly prompt: readonly number[];
  readonly rules: TextRules;
  readonly signal?: AbortSignal | undefined;
}

/** A generated text. */
export interface GeneratedWords {
  /** Words chosen, without the prompt and without the end. */
  readonly words: readonly number[];
  /** Log-probability that the model gives the chosen words and, where it ended, the end, in nats; neither temperature nor rules change it. */
  readonly logProbability: number;
  /** Whether the model ended the text, or a stop word did; else the length did. */
  readonly ended: boolean;
}

export interface SamplingTask extends GenerationTask, Pick<SamplingOptions, 'temperature' | 'topK' | 'topP'> {
  readonly samples: number;
  readonly seed: number;
}

export interface BeamTask extends GenerationTask {
  /** Texts wanted, at most `width`. */
  readonly samples: number;
  readonly width: number;
  readonly lengthExponent: number;
}

/** Texts that are drawn side by side. */
export const LANES_MAX = 32;

/**
 * Draws texts word by word with carried state: constant work a word, many texts in one step. Each text has random numbers of its own, so it does not
 * depend on how many are drawn beside it.
 * @throws BpttError `failed-precondition` where the model gives no probabilities, `invalid-argument` for rules that no text can keep; InterruptedError
 */
export async function* sampleTexts(task: SamplingTask): AsyncGenerator<GeneratedWords> {
  for (let begin = 0; begin < task.samples; begin += LANES_MAX) yield* await sampleLanes(task, begin, Math.min(LANES_MAX, task.samples - begin));
}

/**
 * The texts that score best, best first.
 * @throws as `sampleTexts`
 */
export async function searchTexts(task: BeamTask): Promise<readonly GeneratedWords[]> {
  const { stepper, model, rules, prompt, samples, width, lengthExponent, signal } = task;
  const texts = await beamSearch({
    rules, prompt, width, lengthExponent,
    first: await readPrompt(task),
    step: (words, parents, states: Float32Array) => {
      throwIfInterrupted(signal, 'generating');
      return stepper.step(words, pickLanes(model, states, parents));
    },
  });
  if (texts.length === 0) throw exploded();
  return texts.slice(0, samples).map(({ words, logProbability, ended }) => ({ words, logProbability, ended }));
}

/** What the model says after the start of a sentence and the prompt. */
async function readPrompt({ stepper, model, start, prompt }: GenerationTask): ReturnType<Stepper['step']> {
  let next = await stepper.step(Int32Array.of(start), new Float32Array(stateSize(model, 1)));
  for (const word of prompt) next = await stepper.step(Int32Array.of(word), next.states);
  return next;
}

/** A text on its way. */
interface Draft {
  readonly words: number[];
  readonly random: RandomStream;
  state: TextState;
  logProbability: number;
  ended: boolean;
}

async function sampleLanes(task: SamplingTask, begin: number, count: number): Promise<readonly GeneratedWords[]> {
  const { stepper, model, prompt, rules, seed, signal } = task;
  const state = beginText(rules, prompt, model.vocabulary);
  const drafts = Array.from({ length: count }, (_, i): Draft => ({ words: [], random: stream(seed, 'generate', begin + i), state, logProbability: 0, ended: false }));
  const first = await readPrompt(task);
  let lanes = drafts;
  let states = pickLanes(model, first.states, lanes.map(() => 0));
  let rows = lanes.map(() => rowOf(first.logits, 0));
  for (;;) {
    throwIfInterrupted(signal, 'generating');
    lanes.forEach((draft, lane) => { if (isOpen(draft)) draw(draft, rows[lane], task); });
    const open = [...lanes.keys()].filter((lane) => isOpen(lanes[lane]));
    if (open.length === 0) return drafts.map(({ words, logProbability, ended }) => ({ words, logProbability, ended }));
    // Texts that have ended keep their lanes until half are free: a backend that prepares for each size meets few sizes.
    if (open.length * 2 <= lanes.length) {
      states = pickLanes(model, states, open);
      lanes = open.map((lane) => lanes[lane]);
    }
    const next = await stepper.step(Int32Array.from(lanes, ({ words }) => words[words.length - 1]), states);
    ({ states } = next);
    rows = lanes.map((_, lane) => rowOf(next.logits, lane));
  }
}

function isOpen({ ended, state }: Draft): boolean {
  return !ended && state.left > 0;
}

/** Draws the next word of `draft`. */
function draw(draft: Draft, logits: FloatArray, { rules, temperature, topK, topP }: SamplingTask): void {
  const word = sampleWord(logits, { ...nextWords(rules, draft.state), temperature, topK, topP }, draft.random.uniform(draft.words.length));
  const normaliser = logSumExp(logits);
  if (word === undefined || !Number.isFinite(normaliser)) throw exploded();
  draft.logProbability += logits[word] - normaliser;
  draft.ended = word === rules.end || rules.stop.has(word);
  if (word === rules.end) return;
  draft.words.push(word);
  draft.state = extendText(draft.state, word);
}

function exploded(): BpttError {
  return new BpttError('failed-precondition', 'generate: expected finite logits of some word that is allowed, got none: the parameters of this run have exploded');
}
