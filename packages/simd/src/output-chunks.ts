import type { ChunkWork } from './crew.js';
import { FLOAT_BYTES } from './handles.js';
import type { Engine } from './operands.js';
import type { RightOperand } from './products.js';

/** Words whose logits are worked on at once, between product and product: with their weights and gradients they should stay in the second-level cache. */
export const CHUNK_WORDS = 256;

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

export function chunksOf(words: number): number {
  return Math.ceil(words / CHUNK_WORDS);
}

/** First word of a chunk, and how many. */
function wordsOf(V: number, chunk: number): { begin: number; words: number } {
  const begin = chunk * CHUNK_WORDS;
  return { begin, words: Math.min(CHUNK_WORDS, V - begin) };
}

/** `O = W S^T` */
export function logitsOfChunk({ products }: Pick<Engine, 'products'>, { V, H, lanes, weight, logits, states }: BlockNumbers, chunk: number): void {
  const { begin, words } = wordsOf(V, chunk);
  const stride = H * FLOAT_BYTES, laneStride = lanes * FLOAT_BYTES;
  products.multiply({ m: words, n: lanes, k: H }, { address: weight + begin * stride, stride, transposed: false }, states, { address: logits + begin * laneStride, stride: laneStride });
}

/** `dO = softmax(O) - onehot(y)`, `db += sum of the rows of dO` */
export function errorsOfChunk({ kernels }: Pick<Engine, 'kernels'>, { V, lanes, logits, factors, dBias }: BlockNumbers, chunk: number): void {
  const { begin, words } = wordsOf(V, chunk);
  kernels.outputErrors(logits + begin * lanes * FLOAT_BYTES, words, lanes, factors, dBias === 0 ? 0 : dBias + begin * FLOAT_BYTES);
}

/** `dW += dO^T S` */
export function weightGradientOfChunk({ products }: Pick<Engine, 'products'>, { V, H, lanes, count, logits, dWeight, isFirst, states }: BlockNumbers, chunk: number): void {
  const { begin, words } = wordsOf(V, chunk);
  const stride = H * FLOAT_BYTES, laneStride = lanes * FLOAT_BYTES;
  const out = { address: dWeight + begin * stride, stride };
  products.multiply({ m: words, n: H, k: count }, { address: logits + begin * laneStride, stride: laneStride, transposed: false }, states, out, isFirst ? undefined : out);
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
  return (kind, operands, chunk, reachHalfway) => {
    const block = decodeBlock(operands);
    if (kind === LOGITS) {
      logitsOfChunk(engine, block, chunk);
      return;
    }
    errorsOfChunk(engine, block, chunk);
    reachHalfway();
    weightGradientOfChunk(engine, block, chunk);
  };
}
