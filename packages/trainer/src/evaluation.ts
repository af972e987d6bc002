import { BpttError, reduceTree, type FloatArray, type Microshard, type MicroshardComputer } from '@bptt/core';
import { planContinuousEvaluation, planEvaluation, UNKNOWN_TOKEN, type EvaluationPlan, type Split } from '@bptt/data';
import { throwIfInterrupted } from './interruption.js';
import { likelihoodOf, type Likelihood } from './likelihood.js';

/** What computes a score. The parameters of the model are set. */
export type Scorer = Pick<MicroshardComputer, 'evaluate'>;

/** How well a model predicts a text. */
export interface Evaluation {
  /** Targets: all words and sentence ends. */
  readonly tokens: number;
  readonly sentences: number;
  /** Targets that are UNKNOWN_TOKEN: words that the model does not know. */
  readonly unknown: number;
  /** Unicode code points of the text; undefined where they were not counted. */
  readonly characters: number | undefined;
  /** Every sentence for itself, from a state of zeros. */
  readonly independent: Likelihood;
  /** The text as one lane in its order, the state carried from each sentence to the next. */
  readonly carried: Likelihood;
}

export interface EvaluationOptions {
  /** Unicode code points of the text, where they are known. */
  readonly characters?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Scores a split in both ways. Memory is bounded, whatever the length of the text.
 * @throws BpttError `invalid-argument` for a split without targets; InterruptedError
 */
export async function evaluateSplit(scorer: Scorer, split: Split, { characters, signal }: EvaluationOptions = {}): Promise<Evaluation> {
  if (split.tokens === 0) throw new BpttError('invalid-argument', 'evaluate: expected at least one sentence, got none');
  const { lossSum, unknown } = await scoreSentences(scorer, planEvaluation(split), signal);
  const carried = await scoreContinuously(scorer, split, signal);
  const { tokens, sentences } = split;
  return {
    tokens, sentences, unknown, characters,
    independent: likelihoodOf(lossSum, tokens, characters),
    carried: likelihoodOf(carried, tokens, characters),
  };
}

/** Losses are added along the canonical tree, as in training. */
async function scoreSentences(scorer: Scorer, plan: EvaluationPlan, signal: AbortSignal | undefined): Promise<{ lossSum: number; unknown: number }> {
  const losses: number[] = [];
  let unknown = 0;
  for (let i = 0; i < plan.count; i += 1) {
    throwIfInterrupted(signal, 'scoring');
    const microshard = plan.microshard(i);
    losses.push((await scorer.evaluate(microshard)).lossSum);
    unknown += countUnknown(microshard);
  }
  return { lossSum: reduceTree({ begin: 0, width: plan.count }, (i) => losses[i], (left, right) => left + right) ?? NaN, unknown };
}

/**
 * `-log P` of a text as one lane, in nats: the state is carried from the first token to the last.
 * @throws InterruptedError
 */
export async function scoreContinuously(scorer: Scorer, split: Split, signal?: AbortSignal): Promise<number> {
  const plan = planContinuousEvaluation(split);
  let states: FloatArray | undefined;
  let nats = 0;
  for (let i = 0; i < plan.count; i += 1) {
    throwIfInterrupted(signal, 'scoring');
    const { lossSum, finalStates } = await scorer.evaluate(plan.microshard(i), states);
    nats += lossSum;
    states = finalStates;
  }
  return nats;
}

function countUnknown({ targets }: Microshard): number {
  let count = 0;
  for (const target of targets) if (target === UNKNOWN_TOKEN) count += 1;
  return count;
}
