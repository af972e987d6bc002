import { describe, expect, it } from 'vitest';
import type { Initialization } from './initializers.js';
import { assertLegal, legal } from './legal.js';
import type { ModelConfig } from './model-config.js';
import type { Objective } from './objective.js';
import { optimizerConfig, type OptimizerConfig } from './optimizers/optimizer-config.js';
import type { Schedule } from './schedule.js';
import { objective, smallModel } from './testing/index.js';

interface Asked {
  readonly model?: Partial<ModelConfig>;
  readonly objective?: Partial<Objective>;
  readonly initialization?: Initialization;
  readonly optimizer?: OptimizerConfig;
  readonly schedule?: Schedule;
}

const adaptive = (cutoffs: number[], divValue = 2): ModelConfig['head'] => ({ kind: 'adaptive', cutoffs, divValue });
const uniformFanIn = { init: { kind: 'uniformFanIn' } } as const;

const REFUSED: readonly (readonly [asked: Asked, key: string, reason: string])[] = [
  [{ model: { cell: 'elman' as 'rnn' } }, 'cell', 'expected one of rnn, gru, lstm, got "elman"'],
  [{ model: { activation: 'swish' as 'tanh' } }, 'activation', 'expected one of tanh, relu, sigmoid, got "swish"'],
  [{ model: { input: 'bytes' as 'onehot' } }, 'input', 'expected one of onehot, embedding, dense, got "bytes"'],
  [{ model: { head: { kind: 'none' } as unknown as ModelConfig['head'] } }, 'head', 'expected one of softmax, adaptive, lastSoftmax, lastSquaredError, got "none"'],
  [{ model: { hidden: [] } }, 'layers', 'expected 1 to 64 layers, got 0'],
  [{ model: { hidden: Array.from({ length: 65 }, () => 1) } }, 'layers', 'expected 1 to 64 layers, got 65'],
  [{ model: { hidden: [5, 0] } }, 'hidden', 'expected a whole number from 1 to 16777216, got 0'],
  [{ model: { vocabulary: 3.5 } }, 'vocabulary', 'expected a whole number from 4 to 16777216, got 3.5'],
  [{ model: { input: 'embedding', embedding: -1 } }, 'embedding', 'expected a whole number from 1 to 16777216, got -1'],
  [{ model: { cell: 'lstm', activation: 'relu' } }, 'activation', 'expected tanh with cell lstm, whose equations fix it, got relu'],
  [{ model: { cell: 'lstm', resetBefore: true } }, 'resetBefore', 'expected cell gru, the only one with a reset gate, got lstm'],
  [{ model: { tied: true, embedding: 5 } }, 'tied', 'expected input embedding, whose matrix the output shares, got onehot'],
  [{ model: { tied: true, input: 'embedding', embedding: 4 } }, 'tied', 'expected an embedding as wide as the top layer (5), got 4'],
  [{ model: { tied: true, input: 'embedding', embedding: 5, head: adaptive([3]) } }, 'tied', 'expected head softmax, whose matrix is as large as the embedding, got adaptive'],
  [{ model: { head: adaptive([]) } }, 'cutoffs', 'expected ascending word ids between 1 and 6, got none'],
  [{ model: { head: adaptive([3, 3]) } }, 'cutoffs', 'expected ascending word ids between 1 and 6, got 3, 3'],
  [{ model: { head: adaptive([3, 7]) } }, 'cutoffs', 'expected ascending word ids between 1 and 6, got 3, 7'],
  [{ model: { head: adaptive([2, 3, 4]) } }, 'divValue', 'expected at least 1 and so little that the last of 3 tails keeps a unit of 5, got 2'],
  [{ model: { head: { kind: 'lastSoftmax', classes: 1 } } }, 'classes', 'expected a whole number from 2 to 16777216, got 1'],
  [{ model: { head: { kind: 'lastSquaredError', outputs: 0 } } }, 'outputs', 'expected a whole number from 1 to 16777216, got 0'],
  [{ model: { head: { kind: 'lastSoftmax', classes: 2 } }, objective: { truncation: { kind: 'chunk', k: 3 } } }, 'truncation',
    'expected full or window:k with head lastSoftmax, since continuous text has no last step, got chunk'],
  [{ objective: { reduction: 'max' as 'tokenMean' } }, 'reduction', 'expected one of tokenMean, sentenceSum, got "max"'],
  [{ objective: { dropout: 1 } }, 'dropout', 'expected a share from 0 to below 1, got 1'],
  [{ objective: { variational: true } }, 'variational', 'expected a dropout above 0, whose masks it holds fast, got none'],
  [{ objective: { ar: -1 } }, 'ar', 'expected a number from 0, got -1'],
  [{ objective: { tar: Infinity } }, 'tar', 'expected a number from 0, got Infinity'],
  [{ objective: { tar: 1, truncation: { kind: 'window', k: 3 } } }, 'tar', 'expected full or chunk:k, since it compares two states, which lie in different windows of window:k'],
  [{ model: { cell: 'gru' }, objective: { omega: 1 } }, 'omega', 'expected cell rnn, whose Jacobian the penalty is made for, got gru'],
  [{ objective: { omega: 1, truncation: { kind: 'chunk', k: 3 } } }, 'omega', 'expected truncation full, since it measures the whole error dE/ds_t, got chunk'],
  [{ model: { cell: 'gru' }, initialization: { init: { kind: 'identity' } } }, 'init', 'expected cell rnn, whose state is multiplied by nothing but W_hh, for identity, got gru'],
  [{ model: { cell: 'lstm' }, initialization: { init: { kind: 'spectralRadius', r: 1 } } }, 'init', 'expected cell rnn, whose state is multiplied by nothing but W_hh, for spectralRadius, got lstm'],
  [{ initialization: { ...uniformFanIn, forgetBias: 1 } }, 'forgetBias', 'expected cell lstm with biases, got rnn with biases'],
  [{ model: { cell: 'lstm', biases: false }, initialization: { ...uniformFanIn, forgetBias: 1 } }, 'forgetBias', 'expected cell lstm with biases, got lstm without biases'],
  [{ optimizer: optimizerConfig('asgd'), schedule: { kind: 'plateau', factor: 4 } }, 'schedule',
    'expected another than plateau with optimizer asgd, whose averaging answers a plateau already, got plateau:4'],
];

const ask = ({ model, objective: asked, ...others }: Asked) => ({ model: smallModel(model), objective: objective(asked), ...others });

describe('legal', () => {
  it.each(REFUSED)('refuses %j for %s', (asked, key, reason) => {
    expect(legal(ask(asked))).toEqual([{ key, reason }]);
  });

  it('gives every reason at once', () => {
    const refusals = legal(ask({ model: { cell: 'lstm', activation: 'relu', resetBefore: true }, objective: { omega: 1 } }));
    expect(refusals.map(({ key }) => key)).toEqual(['activation', 'resetBefore', 'omega']);
    expect(() => { assertLegal(ask({ model: { cell: 'lstm', activation: 'relu', resetBefore: true } })); }).toThrow(/^activation: expected .*; resetBefore: expected /);
  });

  it('allows what goes together', () => {
    for (const asked of [
      {},
      { model: { cell: 'lstm', input: 'embedding', embedding: 8, hidden: [6, 8], tied: true }, objective: { dropout: 0.5, variational: true, ar: 2, tar: 1, truncation: { kind: 'chunk', k: 35 } } },
      { model: { head: adaptive([3, 5]), cell: 'gru', resetBefore: true } },
      { model: { input: 'dense', embedding: 2, vocabulary: 0, head: { kind: 'lastSquaredError', outputs: 1 } }, objective: { omega: 1 } },
      { model: { cell: 'lstm' }, initialization: { ...uniformFanIn, forgetBias: 1 } },
    ] satisfies Asked[]) expect(legal(ask(asked)), JSON.stringify(asked)).toEqual([]);
  });
});
