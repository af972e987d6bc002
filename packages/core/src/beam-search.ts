import { assert } from './errors.js';
import { logSumExp } from './sampling.js';
import { rowOf, type FloatArray, type HostMatrix } from './shape.js';
import { beginText, extendText, nextWords, type TextRules, type TextState } from './text-rules.js';

/** What a model says after one more word: logits `[B, V]` (unnormalised log-probabilities) and the states of the `B` texts, as it keeps them. */
export interface BeamStep<S> {
  readonly logits: HostMatrix;
  readonly states: S;
}

export interface BeamSearchOptions<S> {
  readonly rules: TextRules;
  readonly prompt: readonly number[];
  /** What the model says after the prompt, `B` = 1. */
  readonly first: BeamStep<S>;
  /** Lets text `parents[i]` of `states` read `words[i]`. A text may be the parent of several. */
  readonly step: (words: Int32Array, parents: readonly number[], states: S) => Promise<BeamStep<S>>;
  /** Texts that are kept after each word, for each number of required words that they hold. */
  readonly width: number;
  /**
   * A text of `n` chosen words, its end counted, scores `log P / n^lengthExponent`: 0 ranks by probability, which favours short texts, 1 by the mean
   * of a word.
   */
  readonly lengthExponent: number;
}

/** A text that a beam search found. */
export interface BeamText {
  /** Chosen words, without the prompt and without the end. */
  readonly words: readonly number[];
  /** Log-probability of the chosen words and, where it ended, of the end, in nats. */
  readonly logProbability: number;
  readonly score: number;
  /** Whether the model ended it, or a stop word did; else the length did. */
  readonly ended: boolean;
}

/** A text that is being written: a chain of words, the last one first. */
interface Beam {
  readonly state: TextState;
  readonly logProbability: number;
  readonly word: number;
  readonly before: Beam | undefined;
}

interface Candidate {
  /** Index of the text that it continues. */
  readonly parent: number;
  readonly word: number;
  readonly logProbability: number;
}

/**
 * The texts that score best, best first, at most `width`. After each word the likeliest `width` texts go on for each number of required words
 * that they hold, so that a text that has placed an unlikely required word does not compete with those that still owe it (grid beam search,
 * Hokamp and Liu 2017). Without required words this is ordinary beam search. It ends as soon as no open text can score better than the `width`
 * that are complete.
 *
 * Deterministic: equal texts are ranked by their parents' ranks, then by word id. Empty where the model gives no probabilities.
 * @throws BpttError `invalid-argument` for rules that no text can keep, as `beginText`
 */
export async function beamSearch<S>(options: BeamSearchOptions<S>): Promise<BeamText[]> {
  const { rules, prompt, first, step, width, lengthExponent } = options;
  assert(width >= 1 && lengthExponent >= 0, () => `beamSearch: width ${String(width)}, lengthExponent ${String(lengthExponent)}`);
  const complete: BeamText[] = [];
  let beams: Beam[] = [{ state: beginText(rules, prompt, first.logits.columns), logProbability: 0, word: rules.end, before: undefined }];
  let next = first;
  for (let chosen = 1; ; chosen += 1) {
    const candidates = beams.flatMap((beam, parent) => bestCandidates(rowOf(next.logits, parent), { beam, parent, rules, width }));
    candidates.sort((a, b) => b.logProbability - a.logProbability || a.parent - b.parent || a.word - b.word);
    const open: { readonly beam: Beam; readonly parent: number }[] = [];
    const places = new Map<number, number>();
    for (const { parent, word, logProbability } of candidates) {
      const before = beams[parent];
      const ends = word === rules.end;
      const beam: Beam = ends ? { ...before, logProbability } : { state: extendText(before.state, word), logProbability, word, before };
      if (ends || rules.stop.has(word) || beam.state.left === 0) {
        complete.push(completeText(beam, { ended: ends || rules.stop.has(word), chosen, lengthExponent }));
        continue;
      }
      const missing = beam.state.missing.size;
      const taken = places.get(missing) ?? 0;
      places.set(missing, taken + 1);
      if (taken < width) open.push({ beam, parent });
    }
    complete.sort((a, b) => b.score - a.score);
    complete.length = Math.min(complete.length, width);
    if (open.length === 0 || isDecided(complete, open[0].beam.logProbability, options)) return complete;
    beams = open.map(({ beam }) => beam);
    next = await step(Int32Array.from(beams, ({ word }) => word), open.map(({ parent }) => parent), next.states);
  }
}

interface Choice {
  readonly beam: Beam;
  readonly parent: number;
  readonly rules: TextRules;
  readonly width: number;
}

/** The continuations of one text that can be kept: the likeliest `width`, and of the words that end it or are missing all. */
function bestCandidates(logits: FloatArray, { beam, parent, rules, width }: Choice): Candidate[] {
  const { forbidden, only } = nextWords(rules, beam.state);
  const normaliser = logSumExp(logits);
  if (!Number.isFinite(normaliser)) return [];
  const special = new Set([rules.end, ...rules.stop, ...beam.state.missing]);
  const isAllowed = (word: number): boolean => Number.isFinite(logits[word]) && !forbidden.has(word) && (only?.has(word) ?? true);
  const likeliest: number[] = [];
  for (let word = 0; word < logits.length; word += 1) {
    if (!isAllowed(word) || special.has(word)) continue;
    if (likeliest.length === width && logits[word] <= logits[likeliest[width - 1]]) continue;
    let place = Math.min(likeliest.length, width - 1);
    for (; place > 0 && logits[likeliest[place - 1]] < logits[word]; place -= 1) likeliest[place] = likeliest[place - 1];
    likeliest[place] = word;
  }
  return [...likeliest, ...[...special].filter(isAllowed)].map((word) => ({ parent, word, logProbability: beam.logProbability + (logits[word] - normaliser) }));
}

/** Whether no open text, the likeliest of which has `logProbability`, can come among the complete ones: it only gets less likely, and at most `length` long. */
function isDecided<S>(complete: readonly BeamText[], logProbability: number, { width, rules, lengthExponent }: BeamSearchOptions<S>): boolean {
  return complete.length === width && scoreOf(logProbability, rules.length, lengthExponent) <= complete[width - 1].score;
}

function completeText(beam: Beam, { ended, chosen, lengthExponent }: { readonly ended: boolean; readonly chosen: number; readonly lengthExponent: number }): BeamText {
  const words: number[] = [];
  for (let at = beam; at.before !== undefined; at = at.before) words.push(at.word);
  return { words: words.reverse(), logProbability: beam.logProbability, score: scoreOf(beam.logProbability, chosen, lengthExponent), ended };
}

function scoreOf(logProbability: number, chosen: number, lengthExponent: number): number {
  return logProbability / Math.exp(lengthExponent * Math.log(chosen));
}
