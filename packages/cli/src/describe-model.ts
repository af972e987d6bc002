import type { ModelConfig } from '@bptt/core';

/** `lstm 200-200, tied`, `rnn tanh 128`. */
export function describeModel({ cell, activation, resetBefore, hidden, tied, head }: ModelConfig): string {
  const variant = cell === 'rnn' ? ` ${activation}` : resetBefore ? ' reset before' : '';
  return `${cell}${variant} ${hidden.join('-')}${tied ? ', tied' : ''}${head.kind === 'softmax' ? '' : `, head ${head.kind}`}`;
}
