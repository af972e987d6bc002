import type { Arena } from './arena.js';
import { FLOAT_BYTES, type SimdIds, type SimdMatrix } from './handles.js';
import type { Kernels } from './kernels.js';

/** Rows whose logits exist at once. Fixed, because the order in which gradients are added depends on it. */
const BLOCK_ROWS = 64;
const VECTOR_FLOATS = 4;

/** The operands of the output layer, checked. */
export interface OutputOperands {
  readonly states: SimdMatrix;
  readonly weight: SimdMatrix;
  readonly bias: SimdMatrix | undefined;
  readonly targets: SimdIds;
}

/** Results of `outputGradients`, zero-filled but for `dWeight`. */
export interface OutputResults {
  readonly losses: SimdMatrix;
  readonly dStates: SimdMatrix;
  /** Of unknown content: it is the largest by far, and the first block assigns it. */
  readonly dWeight: SimdMatrix;
  readonly dBias: SimdMatrix | undefined;
}

/** Memory of one block: rows that have a target, brought together. */
interface Block {
  /** Ids of those rows, and their targets, `[BLOCK_ROWS]`. */
  readonly rows: number;
  readonly targets: number;
  /** `[BLOCK_ROWS, H]`, and their gradients. */
  readonly states: number;
  readonly dStates: number;
  /** `[BLOCK_ROWS, V]`, rows padded to whole vectors: logits, then their gradients. */
  readonly logits: number;
  readonly logitsStride: number;
  /** `[BLOCK_ROWS, 1]` */
  readonly losses: number;
}

/**
 * Losses and gradients of the output layer. With `S` the states and `o = S W^T + b`:
 * `dO = softmax(o) - onehot(y)`, `dS = dO W`, `dW += dO^T S`, `db += sum of the rows of dO`.
 */
export function outputGradients(kernels: Kernels, arena: Arena, operands: OutputOperands, into: OutputResults): void {
  const { states: { columns: H }, weight } = operands;
  const { dStates, dWeight, dBias } = into;
  const V = weight.rows;
  const dW = dWeight.address;
  let sumSoFar = 0;
  forEachBlock(kernels, arena, operands, (block, count) => {
    const { logits, logitsStride } = block;
    lossesOfBlock(kernels, operands, block, { count, losses: into.losses });
    kernels.matMul(count, H, V, logits, logitsStride, false, weight.address, weight.stride, false, block.dStates, H * FLOAT_BYTES, 0, 0, false);
    kernels.scatterAddRows(block.dStates, H, block.rows, count, dStates.address);
    kernels.matMul(V, H, count, logits, logitsStride, true, block.states, H * FLOAT_BYTES, false, dW, dWeight.stride, sumSoFar, dWeight.stride, false);
    sumSoFar = dW;
    if (dBias !== undefined) kernels.addSumOfRows(logits, count, V, logitsStride, dBias.address);
  });
  if (sumSoFar === 0) arena.zero(dW, dWeight.count * FLOAT_BYTES);
}

/** Losses of the output layer alone, into `losses`, which holds zeros. */
export function outputLosses(kernels: Kernels, arena: Arena, operands: OutputOperands, losses: SimdMatrix): void {
  forEachBlock(kernels, arena, operands, (block, count) => {
    lossesOfBlock(kernels, operands, block, { count, losses });
  });
}

/** Logits of a block, then their losses, and in their place their gradients. */
function lossesOfBlock(kernels: Kernels, operands: OutputOperands, block: Block, out: { count: number; losses: SimdMatrix }): void {
  const { states: { columns: H }, weight, bias } = operands;
  const { logits, logitsStride } = block;
  const { count, losses } = out;
  kernels.matMul(count, weight.rows, H, block.states, H * FLOAT_BYTES, false, weight.address, weight.stride, true, logits, logitsStride, bias?.address ?? 0, 0, true);
  kernels.softmaxCrossEntropy(logits, count, weight.rows, logitsStride, block.targets, block.losses);
  kernels.scatterAddRows(block.losses, 1, block.rows, count, losses.address);
}

/**
 * Calls `visit` for blocks of rows that have a target. Rows without one take part in nothing: they cost no time, and a NaN in their
 * states cannot reach the gradient.
 */
function forEachBlock(kernels: Kernels, arena: Arena, { states, weight, targets }: OutputOperands, visit: (block: Block, count: number) => void): void {
  const mark = arena.mark();
  const block = allocateBlock(arena, states.columns, weight.rows);
  const allTargets = arena.integers(targets.address, targets.length);
  const rows = arena.integers(block.rows, BLOCK_ROWS);
  const blockTargets = arena.integers(block.targets, BLOCK_ROWS);
  let count = 0;
  const flush = (): void => {
    kernels.gatherRows(states.address, states.columns, block.rows, count, block.states);
    visit(block, count);
    count = 0;
  };
  allTargets.forEach((target, row) => {
    if (target < 0) return;
    rows[count] = row;
    blockTargets[count] = target;
    count += 1;
    if (count === BLOCK_ROWS) flush();
  });
  if (count > 0) flush();
  arena.release(mark);
}

function allocateBlock(arena: Arena, H: number, V: number): Block {
  const floats = (count: number): number => arena.allocate(count * FLOAT_BYTES);
  const logitsStride = Math.ceil(V / VECTOR_FLOATS) * VECTOR_FLOATS * FLOAT_BYTES;
  return {
    rows: floats(BLOCK_ROWS),
    targets: floats(BLOCK_ROWS),
    states: floats(BLOCK_ROWS * H),
    dStates: floats(BLOCK_ROWS * H),
    logits: arena.allocate(BLOCK_ROWS * logitsStride),
    logitsStride,
    losses: floats(BLOCK_ROWS),
  };
}
