import { multiplyAdd } from './fused';
import { FLOAT_BYTES, packAcross, packAlong, TILE_COLUMNS } from './packing';

// out [m, n] = op(a) [m, k] op(b) [k, n] + base, blocked as in Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008): a panel of b stays in the first-level cache, a block of a in the second. Each element is the sum over
// blocks of DEPTH_BLOCK steps, each block added in ascending order: its bits depend on k and on its row and column alone.
//
// The left operand is not packed: a tile takes one value of five rows a step, which is as fast from where they lie. Only a block of a transposed one
// is brought together, whose steps lie so far apart that they may share a set of the cache.

/** Rows of the tile that is held in registers; its columns are those of a panel. */
const TILE_ROWS: usize = 5;
const TILE_ROW_BYTES: usize = TILE_COLUMNS * FLOAT_BYTES;

const DEPTH_BLOCK: usize = 256;
const ROW_BLOCK: usize = 60;
const COLUMN_BLOCK: usize = 1024;
/** Up to so many rows a right operand is read from where it lies: packing it would take longer than it saves. */
const UNPACKED_ROWS_MAX: usize = 64;
/** Rows that are a multiple of so much apart share a set of the cache, so that only few of them can stay there: then packing saves more. */
const ALIASING_BYTES: usize = 4096;
const ALIASED_ROWS_MAX: usize = 2 * TILE_ROWS;
/** A transposed left operand whose steps are further apart is brought together. */
const STEP_BYTES_MAX: usize = 512;

const TILE_BYTES: usize = TILE_ROWS * TILE_ROW_BYTES;
const BLOCK_A_BYTES: usize = ROW_BLOCK * DEPTH_BLOCK * FLOAT_BYTES;
const BLOCK_B_BYTES: usize = COLUMN_BLOCK * DEPTH_BLOCK * FLOAT_BYTES;

let tileBuffer: usize = 0;
let blockA: usize = 0;
let blockB: usize = 0;

/** Bytes of working memory that `setWorkspace` is to be given. */
export function workspaceBytes(): usize {
  return TILE_BYTES + BLOCK_A_BYTES + BLOCK_B_BYTES;
}

/** Gives the products of this instance their working memory, on a multiple of 64. */
export function setWorkspace(address: usize): void {
  tileBuffer = address + BLOCK_A_BYTES + BLOCK_B_BYTES;
  blockA = address;
  blockB = address + BLOCK_A_BYTES;
}

/** Bytes of the panels of a right operand `[k, n]`. */
export function panelBytes(n: usize, k: usize): usize {
  return (n + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS * k * FLOAT_BYTES;
}

/** Packs a whole right operand, for products that are given its `panels`. */
export function packPanels(n: usize, k: usize, b: usize, bStride: usize, bTransposed: bool, panels: usize): void {
  for (let p: usize = 0; p < k; p += DEPTH_BLOCK) {
    const depth = min(DEPTH_BLOCK, k - p);
    packBlock(n, depth, bTransposed ? b + p * FLOAT_BYTES : b + p * bStride, bStride, bTransposed, panels + panelBytes(n, p));
  }
}

// @ts-ignore: decorator
@inline
function packBlock(columns: usize, depth: usize, b: usize, stride: usize, transposed: bool, panels: usize): void {
  if (transposed) packAcross(b, stride, columns, depth, panels);
  else packAlong(b, stride, columns, depth, panels);
}

/**
 * `out [m, n] = op(a) op(b) + base`. Strides are in bytes, from row to row. `base` is 0 for none; it may be `out` itself; a `baseStride` of 0 adds
 * one row to every row. `panels` is 0, or where `packPanels` has written this right operand: then `b` is not read. Up to 28 bytes behind the last row
 * of `b` are read.
 */
export function matMul(
  m: usize, n: usize, k: usize,
  a: usize, aStride: usize, aTransposed: bool,
  b: usize, bStride: usize, bTransposed: bool,
  out: usize, outStride: usize, base: usize, baseStride: usize, panels: usize,
): void {
  const direct = !panels && !bTransposed && m <= (bStride % ALIASING_BYTES == 0 ? ALIASED_ROWS_MAX : UNPACKED_ROWS_MAX);
  for (let j: usize = 0; j < n; j += COLUMN_BLOCK) {
    const columns = min(COLUMN_BLOCK, n - j);
    let p: usize = 0;
    do {
      const depth = min(DEPTH_BLOCK, k - p);
      let right = blockB, rightStep = TILE_ROW_BYTES, panelStep = depth * TILE_ROW_BYTES;
      if (panels) {
        right = panels + panelBytes(n, p) + j * depth * FLOAT_BYTES;
      } else if (direct) {
        right = b + p * bStride + j * FLOAT_BYTES;
        rightStep = bStride;
        panelStep = TILE_ROW_BYTES;
      } else {
        packBlock(columns, depth, bTransposed ? b + j * bStride + p * FLOAT_BYTES : b + p * bStride + j * FLOAT_BYTES, bStride, bTransposed, blockB);
      }
      const from = p == 0 ? base : out;
      const fromStride = p == 0 ? baseStride : outStride;
      for (let i: usize = 0; i < m; i += ROW_BLOCK) {
        const rows = min(ROW_BLOCK, m - i);
        let left = a + i * aStride + p * FLOAT_BYTES, rowStep = aStride, leftStep = FLOAT_BYTES;
        if (aTransposed) {
          left = a + p * aStride + i * FLOAT_BYTES;
          rowStep = FLOAT_BYTES;
          leftStep = aStride;
          if (aStride > STEP_BYTES_MAX) {
            leftStep = ROW_BLOCK * FLOAT_BYTES;
            for (let q: usize = 0; q < depth; q += 1) memory.copy(blockA + q * leftStep, left + q * aStride, rows * FLOAT_BYTES);
            left = blockA;
          }
        }
        const corner = j * FLOAT_BYTES;
        multiplyBlock(rows, columns, depth, left, rowStep, leftStep, right, rightStep, panelStep,
          out + i * outStride + corner, outStride, from ? from + i * fromStride + corner : 0, fromStride);
      }
      p += DEPTH_BLOCK;
    } while (p < k);
  }
}

/** `out [rows, columns] = left right + base`, tile by tile. Steps are in bytes: from row to row, and along the inner dimension. */
function multiplyBlock(
  rows: usize, columns: usize, depth: usize,
  left: usize, rowStep: usize, leftStep: usize, right: usize, rightStep: usize, panelStep: usize,
  out: usize, outStride: usize, base: usize, baseStride: usize,
): void {
  for (let j: usize = 0; j < columns; j += TILE_COLUMNS) {
    for (let i: usize = 0; i < rows; i += TILE_ROWS) {
      const tile = out + i * outStride + j * FLOAT_BYTES;
      const tileBase = base ? base + i * baseStride + j * FLOAT_BYTES : 0;
      const inside = min(TILE_ROWS, rows - i);
      const first = left + i * rowStep;
      // Rows past the last are the last once more, so that nothing outside of the operand is read.
      const row1 = min<usize>(1, inside - 1) * rowStep, row2 = min<usize>(2, inside - 1) * rowStep, row3 = min<usize>(3, inside - 1) * rowStep, row4 = min<usize>(4, inside - 1) * rowStep;
      const isWhole = inside == TILE_ROWS && j + TILE_COLUMNS <= columns;
      // Two calls, so that the compiler keeps the tile a function of its own: within this one it would have no registers left.
      if (isWhole && !base) {
        multiplyTile(first, row1, row2, row3, row4, leftStep, right, rightStep, depth, tile, outStride);
        continue;
      }
      multiplyTile(first, row1, row2, row3, row4, leftStep, right, rightStep, depth, tileBuffer, TILE_ROW_BYTES);
      if (isWhole) addTile(tile, outStride, tileBase, baseStride);
      else storeEdge(inside, min(TILE_COLUMNS, columns - j), tile, outStride, tileBase, baseStride);
    }
    right += panelStep;
  }
}

/** `out = tileBuffer + base`, a whole tile. */
function addTile(out: usize, outStride: usize, base: usize, baseStride: usize): void {
  for (let row = tileBuffer; row < tileBuffer + TILE_BYTES; row += TILE_ROW_BYTES, out += outStride, base += baseStride) {
    v128.store(out, f32x4.add(v128.load(row), v128.load(base)));
    v128.store(out, f32x4.add(v128.load(row, 16), v128.load(base, 16)), 16);
  }
}

/** Copies the part of `tileBuffer` that lies inside the result. */
function storeEdge(rows: usize, columns: usize, out: usize, outStride: usize, base: usize, baseStride: usize): void {
  for (let i: usize = 0; i < rows; i += 1) {
    for (let j: usize = 0; j < columns; j += 1) {
      const at = j * FLOAT_BYTES;
      const sum = load<f32>(tileBuffer + i * TILE_ROW_BYTES + at);
      store<f32>(out + i * outStride + at, base ? sum + load<f32>(base + i * baseStride + at) : sum);
    }
  }
}

/**
 * The 5 x 8 tile: ten accumulators, two vectors of b, one value of a, all in registers. Nothing is added to it here, because V8 then gives the
 * accumulators no registers within the loop: at half the speed.
 */
function multiplyTile(
  a: usize, row1: usize, row2: usize, row3: usize, row4: usize, aStep: usize, b: usize, bStep: usize, depth: usize, out: usize, outStride: usize,
): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00, c40 = c00, c41 = c00;
  const end = b + depth * bStep;
  while (b < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load32_splat(a + row1);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load32_splat(a + row2);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load32_splat(a + row3);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    const a4 = v128.load32_splat(a + row4);
    c40 = multiplyAdd(a4, b0, c40);
    c41 = multiplyAdd(a4, b1, c41);
    a += aStep;
    b += bStep;
  }
  v128.store(out, c00); v128.store(out, c01, 16); out += outStride;
  v128.store(out, c10); v128.store(out, c11, 16); out += outStride;
  v128.store(out, c20); v128.store(out, c21, 16); out += outStride;
  v128.store(out, c30); v128.store(out, c31, 16); out += outStride;
  v128.store(out, c40); v128.store(out, c41, 16);
}
