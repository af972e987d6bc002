import { afterAll, describe, expect, it } from 'vitest';
import { checkGradient } from './gradient-check.js';
import { stateSize } from './language-model.js';
import { legal } from './legal.js';
import type { HeadConfig, ModelConfig } from './model-config.js';
import type { Objective } from './objective.js';
import { modelMicroshard, objective, pairwiseCover, randomValues, smallModel, type Choice } from './testing/index.js';
import { formatTruncation, type Truncation } from './truncation.js';

const LENGTHS = [5, 3, 5, 1];
/** The differences of a loss near 1 are rounded to some 1e-10; elements are held to this share of at least a thousandth of their tensor's largest. */
const TOLERANCE = 1e-5;

const DIMENSIONS = {
  cell: [
    { cell: 'rnn', activation: 'tanh' }, { cell: 'rnn', activation: 'relu' }, { cell: 'rnn', activation: 'sigmoid' }, { cell: 'gru' }, { cell: 'gru', resetBefore: true },
    { cell: 'lstm' },
  ] satisfies Partial<ModelConfig>[],
  truncation: [{ kind: 'full' }, { kind: 'window', k: 0 }, { kind: 'window', k: 2 }, { kind: 'window', k: 50 }, { kind: 'chunk', k: 5 }] satisfies Truncation[],
  head: [
    { kind: 'softmax' }, { kind: 'adaptive', cutoffs: [2, 4], divValue: 1.5 }, { kind: 'lastSoftmax', classes: 3 }, { kind: 'lastSquaredError', outputs: 2 },
  ] satisfies HeadConfig[],
  input: ['onehot', 'embedding', 'dense'] satisfies ModelConfig['input'][],
  hidden: [[3], [2, 3]],
  biases: [true, false],
  tied: [false, true],
  reduction: ['tokenMean', 'sentenceSum'] satisfies Objective['reduction'][],
  dropout: [{ dropout: 0 }, { dropout: 0.4 }, { dropout: 0.4, variational: true }] satisfies Partial<Objective>[],
  ar: [0, 0.7],
  tar: [0, 0.9],
  omega: [0, 0.6],
  carried: [true, false],
} as const;

type TableChoice = Choice<typeof DIMENSIONS>;

function modelOf({ cell, head, input, hidden, biases, tied }: TableChoice): ModelConfig {
  return smallModel({ ...cell, head, input, hidden, biases, tied, vocabulary: 6, embedding: tied ? 3 : 2 });
}

function objectiveOf({ truncation, reduction, dropout, ar, tar, omega }: TableChoice): Objective {
  return objective({ truncation, reduction, ...dropout, ar, tar, omega });
}

function label(choice: TableChoice): string {
  const { cell, head, input, truncation, hidden, biases, tied, reduction, dropout, carried, ar, tar, omega } = choice;
  const options = Object.entries({ biases, tied, carried, ar, tar, omega, ...dropout }).filter(([, value]) => value !== false && value !== 0).map(([name]) => name);
  return `${Object.values(cell).join(' ')}, ${formatTruncation(truncation)}, ${head.kind}, ${input}, layers ${hidden.join(' ')}, ${reduction}: ${options.join(' ')}`;
}

const cases = pairwiseCover({
  dimensions: DIMENSIONS,
  full: ['cell', 'truncation', 'head', 'input'],
  isLegal: (choice) => legal({ model: modelOf(choice), objective: objectiveOf(choice) }).length === 0,
});
let checked = 0;
afterAll(() => { process.stdout.write(`gradient against central differences: ${String(checked)} cases\n`); });

describe('the gradient against central differences', () => {
  it.each(cases.map((choice) => [label(choice), choice] as const))('%s', async (_, choice) => {
    const model = modelOf(choice);
    const microshard = modelMicroshard(model, LENGTHS, 3);
    const initialStates = choice.carried ? randomValues(stateSize(model, LENGTHS.length), 5) : undefined;
    const result = await checkGradient({ model, objective: objectiveOf(choice), microshard, initialStates }, { tolerance: TOLERANCE });
    expect(result.passed, `${result.where}: ${String(result.largestRelativeError)}`).toBe(true);
    expect(result.compared).toBeGreaterThan(20);
    checked += 1;
  });

  it('has every legal combination of cell, truncation, head and input', () => {
    // A last-step head has no chunk(k): 6 cells and 3 inputs with 2 heads and 5 rules, and with 2 heads and 4 rules.
    const combinations = new Set(cases.map(({ cell, truncation, head, input }) => JSON.stringify([cell, truncation, head, input])));
    expect(combinations.size).toBe(6 * 3 * (2 * 5 + 2 * 4));
  });
});
