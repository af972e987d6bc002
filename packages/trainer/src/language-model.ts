import { BpttError, createMicroshardComputer, createStepper, OBJECTIVE_DEFAULTS, type Backend, type Stepper, type TextRules } from '@bptt/core';
import { detokenize, encodeText, memorySplit, SENTENCE_END, SENTENCE_START, tokenizeText, UNKNOWN_TOKEN, type Split, type TextOptions, type Vocabulary } from '@bptt/data';
import { createBackend } from '@bptt/worker';
import type { z } from 'zod';
import { CallQueue } from './call-queue.js';
import { evaluateSplit, scoreContinuously, type Evaluation, type EvaluationOptions, type Scorer } from './evaluation.js';
import { generationSettings, loadingSchema, type GenerationSettings, type generationSchema } from './generation-settings.js';
import { sampleTexts, searchTexts, type GeneratedWords, type GenerationTask } from './generation.js';
import { countCharacters } from './likelihood.js';
import { measureModel, type Measurement, type MeasureOptions } from './measurement.js';
import { knownAmong, knownWords, readPrompt, type Prompt } from './prompt.js';
import { parseSettings } from './settings-schema.js';
import { loadTrainedModel, type TrainedModel } from './trained-model.js';

/** Which parameters of a run are loaded, and what computes; each with its default. */
export interface LoadOptions extends z.input<typeof loadingSchema> {
  /** Called with what a person should know, for instance that a damaged checkpoint was passed over. Default `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
}

/** What texts are generated; each setting has a default. Words are given as a text, which is read as the text of the run was. */
export interface GenerateOptions extends z.input<typeof generationSchema> {
  readonly signal?: AbortSignal;
}

/** A generated text. */
export interface GeneratedText {
  /** As a person would write it, prompt included. */
  readonly text: string;
  /** Tokens of the text, prompt included; a word of the prompt that the run does not know stands as it was given. */
  readonly tokens: readonly string[];
  /** Log-probability that the model gives what follows the prompt, its end included where it ended, in nats. Neither temperature nor required or forbidden words change it. */
  readonly logProbability: number;
  /** Whether the model ended the text, or a stop word did; else the length did. */
  readonly ended: boolean;
}

/** How likely a model finds one line: one sentence, whatever stands in it. */
export interface LineScore {
  /** Counted from 1. */
  readonly line: number;
  /** `-log P` of its words and its end. */
  readonly nats: number;
  /** Words of the line and its end. */
  readonly tokens: number;
  /** Words that the model does not know. */
  readonly unknown: number;
  readonly natsPerToken: number;
}

/** A trained model, ready to be used. Its calls may overlap: each step of one waits for those of the others. */
export interface LanguageModel {
  readonly vocabulary: Vocabulary;
  /** How text was read in training, and is read here. */
  readonly textOptions: TextOptions;
  /** Steps that the model was trained for. */
  readonly step: number;
  /** SHA-256 of the parameters, hex. */
  readonly parametersSha256: string;
  /** What computes here. The same seed gives the same text wherever this is the same. */
  readonly backendId: string;
  /**
   * Texts that are drawn, or with `beam` those found, best first.
   * @throws BpttError `invalid-argument` for bad settings or words that the run does not know; `failed-precondition` where the parameters have
   *   exploded; InterruptedError (`cancelled`)
   */
  generate(options?: GenerateOptions): Promise<GeneratedText[]>;
  /** As `generate`, each text as soon as it is there. */
  generateEach(options?: GenerateOptions): AsyncGenerator<GeneratedText>;
  /**
   * Scores a text sentence by sentence, and with the state carried from sentence to sentence.
   * @throws BpttError `invalid-argument` for a text without words; InterruptedError (`cancelled`)
   */
  score(text: string, options?: { readonly signal?: AbortSignal }): Promise<Evaluation>;
  /** As `score`, for an encoded text. */
  scoreSplit(split: Split, options?: EvaluationOptions): Promise<Evaluation>;
  /** Scores every line for itself, in their order: for instance the hypotheses of a recogniser. An empty line is a sentence without words. */
  scoreLines(lines: Iterable<string> | AsyncIterable<string>, options?: { readonly signal?: AbortSignal }): AsyncGenerator<LineScore>;
  /**
   * Measures on sentences of a text how errors flow back in time: gradient flow by lag, Jacobians, saturation, and what truncations lose. Other calls wait for
   * all of it.
   * @throws BpttError `invalid-argument` for a text without words, bad settings and lags beyond its sentences; InterruptedError (`cancelled`)
   */
  measure(text: string, options?: MeasureOptions): Promise<Measurement>;
  /** As `measure`, for an encoded text. */
  measureSplit(split: Split, options?: MeasureOptions): Promise<Measurement>;
  /** Gives back what computes. Nothing may be called afterwards. */
  close(): void;
}

/**
 * Loads what a run has learnt.
 * @param runDirectory folder of the run, as `trainLanguageModel` and `bptt train` leave it
 * @throws BpttError `not-found` where there is no run or no checkpoint, `data-loss` where it is damaged, `invalid-argument` for bad options
 */
export async function loadRun(runDirectory: string, { onWarning = (message) => { process.emitWarning(message); }, ...given }: LoadOptions = {}): Promise<LanguageModel> {
  const { checkpoint, backend, device } = parseSettings(loadingSchema, given);
  const trained = loadTrainedModel(runDirectory, { checkpoint, onWarning });
  const choice = await createBackend(backend, device);
  return new LoadedModel(trained, choice.create(), onWarning);
}

class LoadedModel implements LanguageModel {
  readonly #trained: TrainedModel;
  readonly #backend: Backend;
  readonly #onWarning: (message: string) => void;
  readonly #stepper: Pick<Stepper, 'step'>;
  readonly #scorer: Scorer;
  /** Runs a call when those before it are done. */
  readonly #run: <T>(call: () => Promise<T>) => Promise<T>;
  #isClosed = false;

  constructor(trained: TrainedModel, backend: Backend, onWarning: (message: string) => void) {
    this.#trained = trained;
    this.#backend = backend;
    this.#onWarning = onWarning;
    const { model, parameters } = trained;
    const stepper = createStepper({ backend, model });
    const computer = createMicroshardComputer({ backend, model, objective: OBJECTIVE_DEFAULTS, seed: 0 });
    // One layout and one set of parameters for both.
    computer.setParameters(parameters);
    const queue = new CallQueue();
    this.#run = (call) => queue.run(() => {
      if (this.#isClosed) throw new BpttError('failed-precondition', 'the language model is closed');
      return call();
    });
    this.#stepper = { step: (...args) => this.#run(() => stepper.step(...args)) };
    this.#scorer = { evaluate: (...args) => this.#run(() => computer.evaluate(...args)) };
  }

  get vocabulary(): Vocabulary {
    return this.#trained.vocabulary;
  }

  get textOptions(): TextOptions {
    return this.#trained.text;
  }

  get step(): number {
    return this.#trained.step;
  }

  get parametersSha256(): string {
    return this.#trained.parametersSha256;
  }

  get backendId(): string {
    return this.#backend.id;
  }

  async generate(options: GenerateOptions = {}): Promise<GeneratedText[]> {
    const texts: GeneratedText[] = [];
    for await (const text of this.generateEach(options)) texts.push(text);
    return texts;
  }

  async *generateEach({ signal, ...given }: GenerateOptions = {}): AsyncGenerator<GeneratedText> {
    const settings = generationSettings(given);
    const prompt = readPrompt(this.#trained, settings.prompt, this.#onWarning);
    const task: GenerationTask = { stepper: this.#stepper, model: this.#trained.model, start: SENTENCE_START, prompt: prompt.ids, rules: this.#rulesOf(settings, prompt), signal };
    const { samples, beam: width } = settings;
    const texts = width > 0
      ? await searchTexts({ ...task, samples, width, lengthExponent: settings.lengthExponent })
      : sampleTexts({ ...task, samples, seed: settings.seed, temperature: settings.temperature, topK: settings.topK, topP: settings.topP });
    for await (const words of texts) yield this.#describe(prompt, words);
  }

  score(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Evaluation> {
    return this.scoreSplit(this.#encode(text), { characters: countCharacters(text), signal });
  }

  scoreSplit(split: Split, options: EvaluationOptions = {}): Promise<Evaluation> {
    return evaluateSplit(this.#scorer, split, options);
  }

  async *scoreLines(lines: Iterable<string> | AsyncIterable<string>, { signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<LineScore> {
    const { vocabulary, text } = this.#trained;
    let line = 0;
    for await (const content of lines) {
      line += 1;
      const ids = tokenizeText(content, { ...text, sentences: 'line' }).flat().map((word) => vocabulary.idOf(word));
      const nats = await scoreContinuously(this.#scorer, memorySplit([Int32Array.of(SENTENCE_START, ...ids, SENTENCE_END)]), signal);
      const tokens = ids.length + 1;
      yield { line, nats, tokens, unknown: ids.filter((id) => id === UNKNOWN_TOKEN).length, natsPerToken: nats / tokens };
    }
  }

  measure(text: string, options: MeasureOptions = {}): Promise<Measurement> {
    return this.measureSplit(this.#encode(text), options);
  }

  measureSplit(split: Split, options: MeasureOptions = {}): Promise<Measurement> {
    const { model, parameters } = this.#trained;
    return this.#run(() => measureModel({ backend: this.#backend, model, parameters }, split, options));
  }

  close(): void {
    if (!this.#isClosed) this.#backend.dispose();
    this.#isClosed = true;
  }

  #encode(text: string): Split {
    const { vocabulary, text: options } = this.#trained;
    return memorySplit(encodeText(text, vocabulary, options));
  }

  #rulesOf({ forbid, require, stop, length }: GenerationSettings, prompt: Prompt): TextRules {
    const forbidden = new Set([SENTENCE_START, UNKNOWN_TOKEN, ...knownAmong(this.#trained, forbid)]);
    const required = knownWords(this.#trained, 'require', require);
    const clash = [...required].filter((word) => forbidden.has(word) && !prompt.ids.includes(word)).map((word) => this.vocabulary.wordOf(word));
    if (clash.length > 0) throw new BpttError('invalid-argument', `require: expected words that are not forbidden, got ${clash.join(', ')}`);
    return { end: SENTENCE_END, stop: knownWords(this.#trained, 'stop', stop), forbidden, required, length };
  }

  #describe({ tokens: prompt }: Prompt, { words, logProbability, ended }: GeneratedWords): GeneratedText {
    const { vocabulary, text } = this.#trained;
    const tokens = [...prompt, ...words.map((word) => vocabulary.wordOf(word))];
    return { text: detokenize(tokens, text.tokens), tokens, logProbability, ended };
  }
}
