import { MODEL_DEFAULTS, type ModelConfig } from '@bptt/core';

/** The tutorial's model: 1,610,000 parameters, 6.4 MB. */
export const TRANSFER_MODEL: ModelConfig = { ...MODEL_DEFAULTS, biases: false };
/** Nothing is computed: the gradients that are sent are made up. */
export const TRANSFER_BACKEND_ID = 'benchmark/1';

/** How a worker and its server hand each other tensors. */
export const TRANSFER_WAYS = ['shared memory', 'gRPC'] as const;
export type TransferWay = (typeof TRANSFER_WAYS)[number];

/** Where the servers listen: one of bptt for each way, since a step has one worker, and the raw stream. */
export interface TransferAddresses {
  readonly bptt: Readonly<Record<TransferWay, string>>;
  readonly raw: string;
}
