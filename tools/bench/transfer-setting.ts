import type { ModelConfig } from '@bptt/core';

/** The tutorial's model: 1,610,000 parameters, 6.4 MB. */
export const TRANSFER_MODEL: ModelConfig = { cell: 'rnn', activation: 'tanh', biases: false, input: 'onehot', vocabulary: 8000, embedding: 100, hidden: 100, layers: 1 };
/** Nothing is computed: the gradients that are sent are made up. */
export const TRANSFER_BACKEND_ID = 'benchmark/1';

/** Where the two servers listen. */
export interface TransferAddresses {
  readonly bptt: string;
  readonly raw: string;
}
