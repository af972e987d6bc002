import { BpttError } from './errors.js';
import { tailWidth } from './heads/adaptive-softmax.js';
import type { Initialization } from './initializers.js';
import { ACTIVATIONS, CELLS, HEADS, INPUTS, predictsWords, topUnits, type ModelConfig } from './model-config.js';
import type { Objective } from './objective.js';
import type { OptimizerConfig } from './optimizers/optimizer-config.js';
import { REDUCTIONS } from './reduction.js';
import { formatSchedule, type Schedule } from './schedule.js';

/** What is asked for. */
export interface LegalQuestion {
  readonly model: ModelConfig;
  readonly objective?: Objective | undefined;
  readonly initialization?: Initialization | undefined;
  readonly optimizer?: OptimizerConfig | undefined;
  readonly schedule?: Schedule | undefined;
}

/** Why something cannot be. */
export interface Refusal {
  /** Name of the setting that would have to change. */
  readonly key: string;
  readonly reason: string;
}

/** Most units, words or classes. */
export const SIZE_MAX = 1 << 24;
/** Most layers. */
export const LAYERS_MAX = 64;
/** Special tokens and a word. */
export const VOCABULARY_MIN = 4;

/** The one place that knows which models, objectives, initialisers, optimisers and schedules go together. Gives every reason against; none where all is well. */
export function legal({ model, objective, initialization, optimizer, schedule }: LegalQuestion): Refusal[] {
  const refusals: Refusal[] = [];
  const rule: Rule = (isLegal, key, reason) => {
    if (!isLegal) refusals.push({ key, reason: reason() });
  };
  judgeModel(model, rule);
  if (objective !== undefined) judgeObjective(model, objective, rule);
  if (initialization !== undefined) judgeInitialization(model, initialization, rule);
  if (optimizer !== undefined && schedule !== undefined) judgeDescent(optimizer, schedule, rule);
  return refusals;
}

/**
 * Checks what came from outside.
 * @throws BpttError `invalid-argument`, naming keys, what was expected and what was given
 */
export function assertLegal(question: LegalQuestion): void {
  const refusals = legal(question);
  if (refusals.length > 0) throw new BpttError('invalid-argument', refusals.map(({ key, reason }) => `${key}: ${reason}`).join('; '));
}

/** Notes the reason where `isLegal` is not true. */
type Rule = (isLegal: boolean, key: string, reason: () => string) => void;

function judgeModel(model: ModelConfig, rule: Rule): void {
  const { cell, activation, resetBefore, input, tied, hidden, embedding, vocabulary, head } = model;
  oneOf(rule, 'cell', cell, CELLS);
  oneOf(rule, 'activation', activation, ACTIVATIONS);
  oneOf(rule, 'input', input, INPUTS);
  oneOf(rule, 'head', head.kind, HEADS);
  rule(hidden.length >= 1 && hidden.length <= LAYERS_MAX, 'layers', () => `expected 1 to ${String(LAYERS_MAX)} layers, got ${String(hidden.length)}`);
  for (const units of hidden) size(rule, 'hidden', units);
  if (input !== 'onehot') size(rule, 'embedding', embedding);
  if (input !== 'dense' || predictsWords(model)) size(rule, 'vocabulary', vocabulary, VOCABULARY_MIN);
  rule(cell === 'rnn' || activation === 'tanh', 'activation', () => `expected tanh with cell ${cell}, whose equations fix it, got ${activation}`);
  rule(cell === 'gru' || !resetBefore, 'resetBefore', () => `expected cell gru, the only one with a reset gate, got ${cell}`);
  if (tied) {
    rule(input === 'embedding', 'tied', () => `expected input embedding, whose matrix the output shares, got ${input}`);
    rule(head.kind === 'softmax', 'tied', () => `expected head softmax, whose matrix is as large as the embedding, got ${head.kind}`);
    rule(embedding === topUnits(model), 'tied', () => `expected an embedding as wide as the top layer (${String(topUnits(model))}), got ${String(embedding)}`);
  }
  if (head.kind === 'lastSoftmax') size(rule, 'classes', head.classes, 2);
  if (head.kind === 'lastSquaredError') size(rule, 'outputs', head.outputs);
  if (head.kind === 'adaptive') judgeCutoffs(model, head, rule);
}

function judgeCutoffs(model: ModelConfig, { cutoffs, divValue }: Extract<ModelConfig['head'], { kind: 'adaptive' }>, rule: Rule): void {
  const ascends = cutoffs.every((cutoff, i) => Number.isInteger(cutoff) && cutoff > (i === 0 ? 0 : cutoffs[i - 1]) && cutoff < model.vocabulary);
  rule(cutoffs.length > 0 && ascends, 'cutoffs', () => `expected ascending word ids between 1 and ${String(model.vocabulary - 1)}, got ${cutoffs.join(', ') || 'none'}`);
  rule(divValue >= 1 && tailWidth(topUnits(model), divValue, cutoffs.length - 1) >= 1, 'divValue',
    () => `expected at least 1 and so little that the last of ${String(cutoffs.length)} tails keeps a unit of ${String(topUnits(model))}, got ${String(divValue)}`);
}

function judgeObjective(model: ModelConfig, { truncation, reduction, dropout, variational, ar, tar, omega }: Objective, rule: Rule): void {
  oneOf(rule, 'reduction', reduction, REDUCTIONS);
  rule(dropout >= 0 && dropout < 1, 'dropout', () => `expected a share from 0 to below 1, got ${String(dropout)}`);
  rule(!variational || dropout > 0, 'variational', () => 'expected a dropout above 0, whose masks it holds fast, got none');
  for (const [key, weight] of Object.entries({ ar, tar, omega })) {
    rule(weight >= 0 && Number.isFinite(weight), key, () => `expected a number from 0, got ${String(weight)}`);
  }
  rule(predictsWords(model) || truncation.kind !== 'chunk', 'truncation',
    () => `expected full or window:k with head ${model.head.kind}, since continuous text has no last step, got chunk`);
  rule(tar === 0 || truncation.kind !== 'window', 'tar',
    () => 'expected full or chunk:k, since it compares two states, which lie in different windows of window:k');
  rule(omega === 0 || model.cell === 'rnn', 'omega', () => `expected cell rnn, whose Jacobian the penalty is made for, got ${model.cell}`);
  rule(omega === 0 || truncation.kind === 'full', 'omega', () => `expected truncation full, since it measures the whole error dE/ds_t, got ${truncation.kind}`);
}

function judgeInitialization(model: ModelConfig, { init, forgetBias }: Initialization, rule: Rule): void {
  rule(model.cell === 'rnn' || (init.kind !== 'identity' && init.kind !== 'spectralRadius'), 'init',
    () => `expected cell rnn, whose state is multiplied by nothing but W_hh, for ${init.kind}, got ${model.cell}`);
  rule(forgetBias === undefined || (model.cell === 'lstm' && model.biases), 'forgetBias',
    () => `expected cell lstm with biases, got ${model.cell} ${model.biases ? 'with' : 'without'} biases`);
}

function judgeDescent(optimizer: OptimizerConfig, schedule: Schedule, rule: Rule): void {
  rule(optimizer.name !== 'asgd' || schedule.kind !== 'plateau', 'schedule',
    () => `expected another than plateau with optimizer asgd, whose averaging answers a plateau already, got ${formatSchedule(schedule)}`);
}

function oneOf(rule: Rule, key: string, value: string, allowed: readonly string[]): void {
  rule(allowed.includes(value), key, () => `expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}`);
}

function size(rule: Rule, key: string, value: number, least = 1): void {
  rule(Number.isInteger(value) && value >= least && value <= SIZE_MAX, key,
    () => `expected a whole number from ${String(least)} to ${String(SIZE_MAX)}, got ${String(value)}`);
}
