import { describe, expect, it } from 'vitest';
import { torchArguments } from './python-contender.js';
import { lstm200, WORKLOADS } from './workload.js';

describe('workloads', () => {
  it('are the models of the report', () => {
    expect(WORKLOADS.map(({ name, model, truncation, T, B }) => [name, model.cell, model.hidden.join(), model.vocabulary, truncation.kind, T, B])).toEqual([
      ['tutorial', 'rnn', '100', 8_000, 'window', 20, 1], ['tutorial', 'rnn', '100', 8_000, 'full', 20, 1],
      ['tutorial-32', 'rnn', '100', 8_000, 'window', 20, 32], ['tutorial-32', 'rnn', '100', 8_000, 'full', 20, 32],
      ['lstm-200', 'lstm', '200,200', 10_000, 'chunk', 35, 20], ['lstm-200-adaptive', 'lstm', '200,200', 10_000, 'chunk', 35, 20],
      ['gru-256', 'gru', '256', 5_000, 'chunk', 32, 32], ['lstm-650', 'lstm', '650,650', 10_000, 'chunk', 35, 20],
    ]);
  });

  it('are the same for PyTorch', () => {
    const [adaptive] = WORKLOADS.filter(({ name }) => name === 'lstm-200-adaptive');
    expect(torchArguments(adaptive).join(' ')).toBe(
      '--cell lstm --input embedding --layers 2 --embedding 200 --cutoffs 1000 4000 --div-value 4 --clip 5 --carry --vocabulary 10000 --hidden 200 --steps 35 --batch 20',
    );
    expect(torchArguments(WORKLOADS[0]).join(' ')).toBe('--cell rnn --input onehot --layers 1 --vocabulary 8000 --hidden 100 --steps 20 --batch 1 --window 4');
    expect(torchArguments(lstm200('wide', 40)).join(' ')).toContain('--batch 40');
  });
});
