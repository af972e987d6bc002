import { MODEL_DEFAULTS, type ModelConfig } from '@bptt/core';

/** The tutorial's model: 1,610,000 parameters, 6.4 MB. */
export const TRANSFER_MODEL: ModelConfig = { ...MODEL_DEFAULTS, biases: false };
/** Nothing is computed: the gradients that are sent are made up. */
export const TRANSFER_BACKEND_ID = 'benchmark/1';

/** Where the two servers listen. */
export interface TransferAddresses {
  readonly bptt: string;
  readonly raw: string;
}
