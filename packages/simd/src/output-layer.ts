import type { Arena } from './arena.js';
import { CHUNKS_MAX, DONE, HALFWAY, type Crew } from './crew.js';
import { FLOAT_BYTES, type SimdIds, type SimdMatrix } from './handles.js';
import type { Engine } from './operands.js';
import { chunkAt, chunksOf, encodeBlock, ERRORS, errorsOfChunk, LOGITS, logitsOfChunk, weightGradientOfChunk, type BlockNumbers, type Chunk } from './output-chunks.js';
import type { RightOperand } from './products.js';

/** Rows whose logits exist at once, at most: for 10,000 words 10 MB. With these sizes the order of sums changes, and so do the bits of gradients. */
const BLOCK_ROWS_MAX = 256;
/** All blocks but the last have a multiple of this, the columns of a panel. */
const BLOCK_ROWS_STEP = 8;
/** Floats of a vector. */
const LANES_STEP = 4;
const DOUBLE_BYTES = 8;

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

/**
 * Memory of one block: rows that have a target, brought together. Its logits stand transposed, `[V, lanes]`, so that the weight, the largest operand,
 * is always read as it lies.
 */
interface Block {
  readonly count: number;
  /** `count` rounded up; the logits of the lanes behind mean nothing, their errors are zero. */
  readonly lanes: number;
  /** Ids of the rows, and their targets, `[count]`. */
  readonly rows: number;
  readonly targets: number;
  /** `[lanes, H]`, and their gradients. */
  readonly states: number;
  readonly dStates: number;
  /** `[V, lanes]`: logits, then exponentials, then errors. */
  readonly logits: number;
  /** Each `[lanes]`, float32 but for `sums`, which is float64. */
  readonly maxima: number;
  readonly leads: number;
  readonly partial: number;
  readonly factors: number;
  readonly losses: number;
  readonly sums: number;
}

/**
 * Losses and gradients of the output layer. With `S` the states and `O = S W^T + b`:
 * `dO = softmax(O) - onehot(y)`, `dS = dO W`, `dW += dO^T S`, `db += sum of the rows of dO`.
 */
export function outputGradients(engine: Engine, operands: OutputOperands, into: OutputResults): void {
  const { kernels, products, arena } = engine;
  const { states: { columns: H, stride }, weight } = operands;
  let blocks = 0;
  forEachBlock(engine, operands, (block) => {
    lossesOfBlock(engine, operands, block, into.losses);
    const { lanes, count } = block;
    const states = products.prepare({ n: H, k: count }, { address: block.states, stride, transposed: false }, arena);
    const numbers = { ...numbersOf(operands, block, states), dBias: into.dBias?.address ?? 0, dWeight: into.dWeight.address, isFirst: blocks === 0 };
    const dStates = { address: block.dStates, stride };
    withHelp(engine, ERRORS, numbers, (crew) => {
      const theirs: number[] = [];
      forEachChunk(numbers, (chunk) => {
        const { index, words, logits, weight: address } = chunk;
        const isOurs = crew?.take(index) ?? true;
        if (isOurs) errorsOfChunk(engine, numbers, chunk);
        else theirs.push(index);
        crew?.until(index, HALFWAY);
        const errors = { address: logits, stride: lanes * FLOAT_BYTES, transposed: true };
        products.multiply({ m: count, n: H, k: words }, errors, { address, stride, transposed: false, panels: 0 }, dStates, index === 0 ? undefined : dStates);
        if (isOurs) weightGradientOfChunk(engine, numbers, chunk);
      });
      for (const index of theirs) crew?.until(index, DONE);
    });
    kernels.scatterAddRows(block.dStates, H, block.rows, count, into.dStates.address);
    blocks += 1;
  });
  if (blocks === 0) kernels.zero(into.dWeight.address, weight.count * FLOAT_BYTES);
}

/** Losses of the output layer alone, into `losses`, which holds zeros. */
export function outputLosses(engine: Engine, operands: OutputOperands, losses: SimdMatrix): void {
  forEachBlock(engine, operands, (block) => {
    lossesOfBlock(engine, operands, block, losses);
  });
}

/** Losses of a block. In the place of its logits stand their exponentials, ready for `outputErrors`. */
function lossesOfBlock(engine: Engine, operands: OutputOperands, block: Block, losses: SimdMatrix): void {
  const { kernels, products, arena } = engine;
  const { states: { columns: H, stride }, bias } = operands;
  const { count, lanes, logits, targets, maxima, leads, sums, factors } = block;
  const states = products.prepare({ n: lanes, k: H }, { address: block.states, stride, transposed: true }, arena);
  const numbers = numbersOf(operands, block, states);
  const addBiasAndMaximum = ({ begin, words, logits: address }: Chunk): void => {
    kernels.addBiasAndMaximum(address, words, lanes, bias === undefined ? 0 : bias.address + begin * FLOAT_BYTES, maxima);
  };
  kernels.startSoftmax(maxima, sums, lanes);
  withHelp(engine, LOGITS, numbers, (crew) => {
    const theirs: Chunk[] = [];
    forEachChunk(numbers, (chunk) => {
      if (crew?.take(chunk.index) === false) {
        theirs.push(chunk);
      } else {
        logitsOfChunk(engine, numbers, chunk);
        addBiasAndMaximum(chunk);
      }
    });
    for (const chunk of theirs) {
      crew?.until(chunk.index, DONE);
      addBiasAndMaximum(chunk);
    }
  });
  kernels.takeTargetsOut(logits, lanes, targets, count, maxima, leads);
  forEachChunk(numbers, (chunk) => {
    kernels.exponentials(chunk.logits, chunk.words, lanes, maxima, block.partial, sums);
  });
  kernels.finishSoftmax(logits, lanes, targets, count, leads, sums, block.losses, factors);
  kernels.scatterAddRows(block.losses, 1, block.rows, count, losses.address);
}

/** What logits are computed from. */
function numbersOf({ weight }: OutputOperands, { lanes, count, logits, factors }: Block, states: RightOperand): BlockNumbers {
  return { V: weight.rows, H: weight.columns, lanes, count, weight: weight.address, logits, factors, dBias: 0, dWeight: 0, isFirst: true, states };
}

/** Lets other threads take chunks while `visit` goes through them. It gets undefined where nobody can. */
function withHelp({ crew }: Engine, kind: number, numbers: BlockNumbers, visit: (crew: Crew | undefined) => void): void {
  const chunks = chunksOf(numbers);
  if (crew === undefined || chunks === 1 || chunks > CHUNKS_MAX) {
    visit(undefined);
    return;
  }
  crew.offer(kind, encodeBlock(numbers), chunks);
  try {
    visit(crew);
  } finally {
    crew.withdraw();
  }
}

function forEachChunk(numbers: BlockNumbers, visit: (chunk: Chunk) => void): void {
  for (let index = 0; index < chunksOf(numbers); index += 1) visit(chunkAt(numbers, index));
}

/**
 * Calls `visit` for blocks of rows that have a target. Rows without one take part in nothing: they cost no time, and a NaN in their
 * states cannot reach the gradient.
 */
function forEachBlock({ kernels, arena }: Engine, { states, weight, targets }: OutputOperands, visit: (block: Block) => void): void {
  const { memory } = arena;
  const counted: number[] = [];
  memory.integers(targets.address, targets.length).forEach((target, row) => { if (target >= 0) counted.push(row); });
  let begin = 0;
  while (begin < counted.length) {
    const rows = counted.slice(begin, begin + blockRows(counted.length - begin));
    begin += rows.length;
    const mark = arena.mark();
    const block = allocateBlock(arena, rows.length, { H: states.columns, V: weight.rows });
    const allTargets = memory.integers(targets.address, targets.length);
    memory.integers(block.rows, rows.length).set(rows);
    memory.integers(block.targets, rows.length).set(rows.map((row) => allTargets[row]));
    kernels.zero(block.states, block.lanes * states.stride);
    kernels.gatherRows(states.address, states.columns, block.rows, rows.length, block.states);
    visit(block);
    arena.release(mark);
  }
}

/** Rows of the next block, of so many that are left: as many as in each of the others, about. */
function blockRows(left: number): number {
  const blocks = Math.ceil(left / BLOCK_ROWS_MAX);
  return Math.ceil(left / blocks / BLOCK_ROWS_STEP) * BLOCK_ROWS_STEP;
}

function allocateBlock(arena: Arena, count: number, { H, V }: { H: number; V: number }): Block {
  const lanes = Math.ceil(count / LANES_STEP) * LANES_STEP;
  const floats = (length: number): number => arena.allocate(length * FLOAT_BYTES);
  return {
    count,
    lanes,
    rows: floats(count),
    targets: floats(count),
    states: floats(lanes * H),
    dStates: floats(count * H),
    logits: floats(V * lanes),
    maxima: floats(lanes),
    leads: floats(lanes),
    partial: floats(lanes),
    factors: floats(lanes),
    losses: floats(lanes),
    sums: arena.allocate(lanes * DOUBLE_BYTES),
  };
}
