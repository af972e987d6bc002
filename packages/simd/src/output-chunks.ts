import type { ChunkWork } from './crew.js';
import { FLOAT_BYTES } from './handles.js';
import type { Engine } from './operands.js';
import type { RightOperand } from './products.js';

/** Words whose logits are worked on at once, between product and product: with their weights and gradients they should stay in the second-level cache. */
const CHUNK_WORDS = 256;

/** What helpers are offered: logits, or errors and the gradient of the weight. */
export const LOGITS = 1;
export const ERRORS = 2;

/** Sizes, and addresses or 0, from which chunks of one block of rows are computed. The same numbers mean the same to every thread that shares the memory. */
export interface BlockNumbers {
  readonly V: number;
  readonly H: number;
  readonly lanes: number;
  /** Rows; the lanes behind mean nothing. */
  readonly count: number;
  readonly weight: number;
  readonly logits: number;
  readonly factors: number;
  readonly dBias: number;
  readonly dWeight: number;
  /** Whether the gradient of the weight is assigned, not added to. */
  readonly isFirst: boolean;
  /** The states: for logits `[H, lanes]`, for the gradient of the weight `[count, H]`. */
  readonly states: RightOperand;
}

/** Words `[begin, begin + words)` of a block. */
export interface Chunk {
  readonly index: number;
  readonly begin: number;
  readonly words: number;
  /** Their logits, `[words, lanes]`. */
  readonly logits: number;
  /** Their rows of the weight, `[words, H]`. */
  readonly weight: number;
}

export function chunksOf({ V }: BlockNumbers): number {
  return Math.ceil(V / CHUNK_WORDS);
}

export function chunkAt({ V, H, lanes, logits, weight }: BlockNumbers, index: number): Chunk {
  const begin = index * CHUNK_WORDS;
  return { index, begin, words: Math.min(CHUNK_WORDS, V - begin), logits: logits + begin * lanes * FLOAT_BYTES, weight: weight + begin * H * FLOAT_BYTES };
}

/** `O = W S^T` */
export function logitsOfChunk({ products }: Pick<Engine, 'products'>, { H, lanes, states }: BlockNumbers, { words, logits, weight }: Chunk): void {
  products.multiply({ m: words, n: lanes, k: H }, { address: weight, stride: H * FLOAT_BYTES, transposed: false }, states, { address: logits, stride: lanes * FLOAT_BYTES });
}

/** `dO = softmax(O) - onehot(y)`, `db += sum of the rows of dO` */
export function errorsOfChunk({ kernels }: Pick<Engine, 'kernels'>, { lanes, factors, dBias }: BlockNumbers, { begin, words, logits }: Chunk): void {
  kernels.outputErrors(logits, words, lanes, factors, dBias === 0 ? 0 : dBias + begin * FLOAT_BYTES);
}

/** `dW += dO^T S` */
export function weightGradientOfChunk({ products }: Pick<Engine, 'products'>, { H, lanes, count, dWeight, isFirst, states }: BlockNumbers, { begin, words, logits }: Chunk): void {
  const stride = H * FLOAT_BYTES;
  const out = { address: dWeight + begin * stride, stride };
  products.multiply({ m: words, n: H, k: count }, { address: logits, stride: lanes * FLOAT_BYTES, transposed: false }, states, out, isFirst ? undefined : out);
}

/** The numbers of a block as they stand in an offer. */
export function encodeBlock({ V, H, lanes, count, weight, logits, factors, dBias, dWeight, isFirst, states }: BlockNumbers): number[] {
  return [V, H, lanes, count, weight, logits, factors, dBias, dWeight, Number(isFirst), states.address, states.stride, Number(states.transposed), states.panels];
}

function decodeBlock(numbers: readonly number[]): BlockNumbers {
  // Addresses fill 32 bits, and stand in signed words.
  const [V, H, lanes, count, weight, logits, factors, dBias, dWeight, isFirst, address, stride, transposed, panels] = numbers.map((word) => word >>> 0);
  return { V, H, lanes, count, weight, logits, factors, dBias, dWeight, isFirst: isFirst === 1, states: { address, stride, transposed: transposed === 1, panels } };
}

/** What a thread does with a chunk of another's block. */
export function chunkHelp(engine: Pick<Engine, 'kernels' | 'products'>): ChunkWork {
  return (kind, operands, index, reachHalfway) => {
    const block = decodeBlock(operands);
    const chunk = chunkAt(block, index);
    if (kind === LOGITS) {
      logitsOfChunk(engine, block, chunk);
      return;
    }
    errorsOfChunk(engine, block, chunk);
    reachHalfway();
    weightGradientOfChunk(engine, block, chunk);
  };
}
