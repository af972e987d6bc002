import { multiplyAdd } from './fused';
import { FLOAT_BYTES, packAcross, packAlong, TILE_COLUMNS } from './packing';
import { transpose } from './rows';

// out [m, n] = op(a) [m, k] op(b) [k, n] + base, blocked as in Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008): a panel of b stays in the first-level cache, a block of a in the second. Each element is the sum over
// blocks of DEPTH_BLOCK steps, each block added in ascending order: its bits depend on k and on its row and column alone.
//
// The left operand is not packed: a tile takes one value of four rows a step, which is as fast from where they lie. Only a block of a transposed one
// is transposed, so that the steps of a row always lie side by side.

/** Rows of the tile that is held in registers; its columns are those of a panel. Of so many rows that fours would leave some, some tiles have five. */
const TILE_ROWS: usize = 4;
const TALL_TILE_ROWS: usize = 5;
/** The tile of the last three panels where the third is half full. */
const WIDE_TILE_COLUMNS: usize = 20;
const WIDE_TILE_ROWS: usize = 2;
const WIDE_TILE_ROW_BYTES: usize = WIDE_TILE_COLUMNS * FLOAT_BYTES;
/** The tile of one row, three panels wide, and up to how many rows each is computed by itself. */
const ROW_TILE_COLUMNS: usize = 24;
const LONE_ROWS_MAX: usize = 2;
const TILE_ROW_BYTES: usize = TILE_COLUMNS * FLOAT_BYTES;

const DEPTH_BLOCK: usize = 256;
const ROW_BLOCK: usize = 64;
const COLUMN_BLOCK: usize = 1024;
/** Up to so many rows a right operand is read from where it lies: packing it would take longer than it saves. */
const UNPACKED_ROWS_MAX: usize = 64;
/** Rows that are a multiple of so much apart share a few sets of the cache, so that only some of them can stay there: then packing saves more. */
const ALIASING_BYTES: usize = 1024;
const ALIASED_ROWS_MAX: usize = 2 * TILE_ROWS;
/** A block of a right operand of no more than so many bytes is read once in order before it is read by panels. */
const FETCHED_BYTES_MAX: usize = 512 << 10;
const CACHE_LINE_BYTES: usize = 64;

const TILE_BYTES: usize = max(TALL_TILE_ROWS * TILE_ROW_BYTES, WIDE_TILE_ROWS * WIDE_TILE_ROW_BYTES);
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
  const isPlain = !panels && !bTransposed;
  const direct = isPlain && m <= (bStride % ALIASING_BYTES == 0 ? ALIASED_ROWS_MAX : UNPACKED_ROWS_MAX);
  for (let j: usize = 0; j < n; j += COLUMN_BLOCK) {
    const columns = min(COLUMN_BLOCK, n - j);
    let p: usize = 0;
    do {
      const depth = min(DEPTH_BLOCK, k - p);
      let right = blockB, rightStep = TILE_ROW_BYTES, panelStep = depth * TILE_ROW_BYTES;
      if (isPlain && j == 0 && bStride == n * FLOAT_BYTES) fetch(b + p * bStride, depth * bStride);
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
        let left = a + i * aStride + p * FLOAT_BYTES, rowStep = aStride;
        if (aTransposed) {
          transpose(a + p * aStride + i * FLOAT_BYTES, aStride, depth, rows, blockA);
          left = blockA;
          rowStep = depth * FLOAT_BYTES;
        }
        const corner = j * FLOAT_BYTES;
        multiplyBlock(rows, columns, depth, left, rowStep, right, rightStep, panelStep,
          out + i * outStride + corner, outStride, from ? from + i * fromStride + corner : 0, fromStride);
      }
      p += DEPTH_BLOCK;
    } while (p < k);
  }
}

/**
 * Reads a right operand in order, so that it is in the cache when it is read by panels: of one panel a row lies far behind the other, and the processor,
 * which fetches ahead what is read in order, would wait for each.
 */
function fetch(from: usize, bytes: usize): void {
  if (bytes > FETCHED_BYTES_MAX) return;
  let seen = f32x4.splat(0);
  for (let at = from; at < from + bytes; at += CACHE_LINE_BYTES) seen = v128.or(seen, v128.load(at));
  // Stored, so that the compiler does not drop the loads.
  v128.store(tileBuffer, seen);
}

/** `out [rows, columns] = left right + base`, tile by tile. Steps are in bytes: from row to row of `left`, and of `right` along the inner dimension. */
function multiplyBlock(
  rows: usize, columns: usize, depth: usize,
  left: usize, rowStep: usize, right: usize, rightStep: usize, panelStep: usize,
  out: usize, outStride: usize, base: usize, baseStride: usize,
): void {
  // Tiles of several rows are called from two places each, so that the compiler keeps them functions of their own: within this one they would have no registers left. That of
  // one row is faster within.
  let j: usize = 0;
  if (rows <= LONE_ROWS_MAX) {
    j = columns - columns % ROW_TILE_COLUMNS;
    for (let i: usize = 0; i < rows; i += 1) {
      const row = out + i * outStride;
      multiplyRow(row, row + j * FLOAT_BYTES, left + i * rowStep, right, rightStep, panelStep, depth, base ? base + i * baseStride : 0);
    }
    right += j / TILE_COLUMNS * panelStep;
  }
  for (; j < columns; j += TILE_COLUMNS) {
    const width = min(TILE_COLUMNS, columns - j);
    const tile = out + j * FLOAT_BYTES, tileBase = base + j * FLOAT_BYTES;
    let i: usize = 0;
    if (columns - j == WIDE_TILE_COLUMNS) {
      const end = rows - rows % WIDE_TILE_ROWS;
      multiplyWideTiles(tile, tile + end * outStride, outStride, left, rowStep, right, rightStep, panelStep, depth, base ? tileBase : 0, baseStride);
      if (end == rows) return;
      multiplyWideTiles(tileBuffer, tileBuffer + WIDE_TILE_ROWS * WIDE_TILE_ROW_BYTES, WIDE_TILE_ROW_BYTES, left + end * rowStep, 0, right, rightStep, panelStep, depth, 0, 0);
      storeTile(1, WIDE_TILE_COLUMNS, tile + end * outStride, outStride, base ? tileBase + end * baseStride : 0, baseStride);
      return;
    }
    if (width == TILE_COLUMNS) {
      for (; tileRows(rows - i) == TALL_TILE_ROWS; i += TALL_TILE_ROWS) {
        multiplyTallTile(base ? tileBuffer : tile + i * outStride, base ? TILE_ROW_BYTES : outStride, left + i * rowStep, rowStep, right, rightStep, depth);
        if (base) storeTile(TALL_TILE_ROWS, width, tile + i * outStride, outStride, tileBase + i * baseStride, baseStride);
      }
      const end = rows - (rows - i) % TILE_ROWS;
      if (i < end) {
        multiplyTiles(tile + i * outStride, tile + end * outStride, outStride, left + i * rowStep, rowStep, 2 * rowStep, 3 * rowStep,
          right, rightStep, depth, base ? tileBase + i * baseStride : 0, baseStride);
      }
      i = end;
    }
    let height: usize = 0;
    for (; i < rows; i += height) {
      height = tileRows(rows - i);
      const inside = min(height, rows - i);
      // Rows past the last are the last once more, so that nothing outside of the operand is read.
      const row1 = min<usize>(1, inside - 1) * rowStep, row2 = min<usize>(2, inside - 1) * rowStep, row3 = min<usize>(3, inside - 1) * rowStep;
      const first = left + i * rowStep;
      if (height == TALL_TILE_ROWS) multiplyTallTile(tileBuffer, TILE_ROW_BYTES, first, rowStep, right, rightStep, depth);
      else multiplyTiles(tileBuffer, tileBuffer + TILE_ROWS * TILE_ROW_BYTES, TILE_ROW_BYTES, first, row1, row2, row3, right, rightStep, depth, 0, 0);
      storeTile(inside, width, tile + i * outStride, outStride, base ? tileBase + i * baseStride : 0, baseStride);
    }
    right += panelStep;
  }
}

/** Rows of the next tile, of so many that are left: five until fours leave none. */
// @ts-ignore: decorator
@inline
function tileRows(rows: usize): usize {
  const rest = rows % TILE_ROWS;
  return rest > 0 && rows / TILE_ROWS >= rest ? TALL_TILE_ROWS : TILE_ROWS;
}

/** `out = tileBuffer + base`, so many rows and columns of it. */
function storeTile(rows: usize, columns: usize, out: usize, outStride: usize, base: usize, baseStride: usize): void {
  const bytes = columns * FLOAT_BYTES;
  for (let row = tileBuffer; row < tileBuffer + rows * TILE_ROW_BYTES; row += TILE_ROW_BYTES, out += outStride) {
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      const sum = v128.load(row + at);
      v128.store(out + at, base ? f32x4.add(sum, v128.load(base + at)) : sum);
    }
    for (; at < bytes; at += FLOAT_BYTES) {
      const sum = load<f32>(row + at);
      store<f32>(out + at, base ? sum + load<f32>(base + at) : sum);
    }
    if (base) base += baseStride;
  }
}

/**
 * Tiles of 4 x 8, one below the other until `outEnd`: eight accumulators, two vectors of b, one value of each row of a, all in registers. Four steps a turn,
 * because the processor is busy with addresses and branches as much as with products. Between them the loop may end: without that the compiler loads the values of
 * all four first, for which there are too few registers. The order of the arguments is measured: it decides where V8 puts the jumps of the loop
 * (docs/performance.md).
 */
function multiplyTiles(
  out: usize, outEnd: usize, outStride: usize, first: usize, row1: usize, row2: usize, row3: usize,
  right: usize, rightStep: usize, depth: usize, base: usize, baseStride: usize,
): void {
  const end = right + depth * rightStep;
  // Not `<`: the end may lie past the last address there is.
  for (; out != outEnd; out += outStride) {
    let a = first, b = right;
    let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
    let b0 = c00, b1 = c00, x = c00;
    while (b < end) {
      const a1 = a + row1, a2 = a + row2, a3 = a + row3;
      b0 = v128.load(b); b1 = v128.load(b, 16); b += rightStep;
      x = v128.load32_splat(a); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = v128.load32_splat(a1); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = v128.load32_splat(a2); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = v128.load32_splat(a3); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      if (b == end) break;
      b0 = v128.load(b); b1 = v128.load(b, 16); b += rightStep;
      x = v128.load32_splat(a, 4); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = v128.load32_splat(a1, 4); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = v128.load32_splat(a2, 4); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = v128.load32_splat(a3, 4); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      if (b == end) break;
      b0 = v128.load(b); b1 = v128.load(b, 16); b += rightStep;
      x = v128.load32_splat(a, 8); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = v128.load32_splat(a1, 8); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = v128.load32_splat(a2, 8); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = v128.load32_splat(a3, 8); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      if (b == end) break;
      b0 = v128.load(b); b1 = v128.load(b, 16); b += rightStep;
      x = v128.load32_splat(a, 12); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = v128.load32_splat(a1, 12); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = v128.load32_splat(a2, 12); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = v128.load32_splat(a3, 12); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      a += 4 * FLOAT_BYTES;
    }
    if (base) {
      c00 = f32x4.add(c00, v128.load(base)); c01 = f32x4.add(c01, v128.load(base, 16)); base += baseStride;
      c10 = f32x4.add(c10, v128.load(base)); c11 = f32x4.add(c11, v128.load(base, 16)); base += baseStride;
      c20 = f32x4.add(c20, v128.load(base)); c21 = f32x4.add(c21, v128.load(base, 16)); base += baseStride;
      c30 = f32x4.add(c30, v128.load(base)); c31 = f32x4.add(c31, v128.load(base, 16)); base += baseStride;
    }
    v128.store(out, c00); v128.store(out, c01, 16); out += outStride;
    v128.store(out, c10); v128.store(out, c11, 16); out += outStride;
    v128.store(out, c20); v128.store(out, c21, 16); out += outStride;
    v128.store(out, c30); v128.store(out, c31, 16);
    // Four rows; where rows are repeated there is one tile.
    first += row1 + row3;
  }
}

/** The 5 x 8 tile, for the rows that fours leave. One step a turn: two would take more registers than there are. */
function multiplyTallTile(out: usize, outStride: usize, a: usize, rowStep: usize, b: usize, bStep: usize, depth: usize): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00, c40 = c00, c41 = c00;
  let b0 = c00, b1 = c00, x = c00;
  const row2 = rowStep + rowStep, row3 = row2 + rowStep, row4 = row3 + rowStep;
  for (const end = b + depth * bStep; b < end; b += bStep, a += FLOAT_BYTES) {
    b0 = v128.load(b); b1 = v128.load(b, 16);
    x = v128.load32_splat(a); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = v128.load32_splat(a + rowStep); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = v128.load32_splat(a + row2); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = v128.load32_splat(a + row3); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    x = v128.load32_splat(a + row4); c40 = multiplyAdd(x, b0, c40); c41 = multiplyAdd(x, b1, c41);
  }
  v128.store(out, c00); v128.store(out, c01, 16); out += outStride;
  v128.store(out, c10); v128.store(out, c11, 16); out += outStride;
  v128.store(out, c20); v128.store(out, c21, 16); out += outStride;
  v128.store(out, c30); v128.store(out, c31, 16); out += outStride;
  v128.store(out, c40); v128.store(out, c41, 16);
}

/**
 * Tiles of 2 x 20, one below the other until `outEnd`: ten accumulators. A step reads 8, 8 and 4 columns of the last three panels. The test between them never holds: it keeps the compiler from
 * loading the values of all three first.
 */
function multiplyWideTiles(
  out: usize, outEnd: usize, outStride: usize, first: usize, rowStep: usize,
  right: usize, rightStep: usize, panelStep: usize, depth: usize, base: usize, baseStride: usize,
): void {
  const end = right + depth * rightStep;
  for (; out != outEnd; out += outStride) {
    let c00 = f32x4.splat(0), c01 = c00, c02 = c00, c03 = c00, c04 = c00, c10 = c00, c11 = c00, c12 = c00, c13 = c00, c14 = c00;
    let x0 = c00, x1 = c00, y = c00;
    for (let a = first, b = right; b < end; b += rightStep, a += FLOAT_BYTES) {
      const b1 = b + panelStep, b2 = b1 + panelStep;
      x0 = v128.load32_splat(a); x1 = v128.load32_splat(a + rowStep);
      y = v128.load(b); c00 = multiplyAdd(x0, y, c00); c10 = multiplyAdd(x1, y, c10);
      y = v128.load(b, 16); c01 = multiplyAdd(x0, y, c01); c11 = multiplyAdd(x1, y, c11);
      if (b == end) break;
      y = v128.load(b1); c02 = multiplyAdd(x0, y, c02); c12 = multiplyAdd(x1, y, c12);
      y = v128.load(b1, 16); c03 = multiplyAdd(x0, y, c03); c13 = multiplyAdd(x1, y, c13);
      y = v128.load(b2); c04 = multiplyAdd(x0, y, c04); c14 = multiplyAdd(x1, y, c14);
    }
    if (base) {
      c00 = f32x4.add(c00, v128.load(base)); c01 = f32x4.add(c01, v128.load(base, 16)); c02 = f32x4.add(c02, v128.load(base, 32));
      c03 = f32x4.add(c03, v128.load(base, 48)); c04 = f32x4.add(c04, v128.load(base, 64)); base += baseStride;
      c10 = f32x4.add(c10, v128.load(base)); c11 = f32x4.add(c11, v128.load(base, 16)); c12 = f32x4.add(c12, v128.load(base, 32));
      c13 = f32x4.add(c13, v128.load(base, 48)); c14 = f32x4.add(c14, v128.load(base, 64)); base += baseStride;
    }
    v128.store(out, c00); v128.store(out, c01, 16); v128.store(out, c02, 32); v128.store(out, c03, 48); v128.store(out, c04, 64); out += outStride;
    v128.store(out, c10); v128.store(out, c11, 16); v128.store(out, c12, 32); v128.store(out, c13, 48); v128.store(out, c14, 64);
    first += 2 * rowStep;
  }
}

/** Tiles of 1 x 24, one beside the other until `outEnd`: six accumulators. Taller ones would compute a row that is alone four times. */
function multiplyRow(out: usize, outEnd: usize, first: usize, right: usize, rightStep: usize, panelStep: usize, depth: usize, base: usize): void {
  const end = depth * rightStep;
  for (; out != outEnd; out += ROW_TILE_COLUMNS * FLOAT_BYTES) {
    let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0;
    const right1 = right + panelStep, right2 = right1 + panelStep;
    for (let a = first, step: usize = 0; step < end; step += rightStep, a += FLOAT_BYTES) {
      const x = v128.load32_splat(a);
      c0 = multiplyAdd(x, v128.load(right + step), c0); c1 = multiplyAdd(x, v128.load(right + step, 16), c1);
      c2 = multiplyAdd(x, v128.load(right1 + step), c2); c3 = multiplyAdd(x, v128.load(right1 + step, 16), c3);
      c4 = multiplyAdd(x, v128.load(right2 + step), c4); c5 = multiplyAdd(x, v128.load(right2 + step, 16), c5);
    }
    if (base) {
      c0 = f32x4.add(c0, v128.load(base)); c1 = f32x4.add(c1, v128.load(base, 16));
      c2 = f32x4.add(c2, v128.load(base, 32)); c3 = f32x4.add(c3, v128.load(base, 48));
      c4 = f32x4.add(c4, v128.load(base, 64)); c5 = f32x4.add(c5, v128.load(base, 80));
      base += ROW_TILE_COLUMNS * FLOAT_BYTES;
    }
    v128.store(out, c0); v128.store(out, c1, 16); v128.store(out, c2, 32);
    v128.store(out, c3, 48); v128.store(out, c4, 64); v128.store(out, c5, 80);
    right += 3 * panelStep;
  }
}
