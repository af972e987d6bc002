import { packAcross, packAlong } from './packing';

// out [m, n] = op(a) [m, k] op(b) [k, n] + base, blocked as in Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008): panels of b stay in the first-level cache, blocks of packed a in the second. Each element is the sum over
// blocks of DEPTH_BLOCK steps, each block added in ascending order: its bits depend on k and on its row and column alone.

/** Rows and columns of the tile that is held in registers. */
const TILE_ROWS: usize = 4;
const TILE_COLUMNS: usize = 8;
const FLOAT_BYTES: usize = 4;

const DEPTH_BLOCK: usize = 256;
const ROW_BLOCK: usize = 64;
const COLUMN_BLOCK: usize = 2048;

const PACKED_A_BYTES: usize = ROW_BLOCK * DEPTH_BLOCK * FLOAT_BYTES;
const PACKED_B_FLOATS: usize = COLUMN_BLOCK * DEPTH_BLOCK;
const EDGE_TILE_BYTES: usize = TILE_ROWS * TILE_COLUMNS * FLOAT_BYTES;

const edgeTile: usize = (__heap_base + 63) & ~63;
const packedA: usize = edgeTile + EDGE_TILE_BYTES;
const packedB: usize = packedA + PACKED_A_BYTES;

/** First byte past the working memory of the product: the caller's memory begins here. */
export function workspaceEnd(): usize {
  return packedB + PACKED_B_FLOATS * FLOAT_BYTES;
}

// Which right operand `packedB` holds whole; 0 for none.
let keptB: usize = 0;
let keptDepth: usize = 0;
let keptColumns: usize = 0;
let keptTransposed: bool = false;

/** To be called whenever memory of earlier operands may be written anew. */
export function forgetPacked(): void {
  keptB = 0;
}

/**
 * `out [m, n] = op(a) op(b) + base`. Strides are in bytes, from row to row. `base` is 0 for none; it may be `out` itself; a
 * `baseStride` of 0 adds one row to every row. `keep`: the values of `b` stay as they are until `forgetPacked`, so that the next
 * product with the same right operand may use its panels again.
 */
export function matMul(
  m: usize, n: usize, k: usize,
  a: usize, aStride: usize, aTransposed: bool,
  b: usize, bStride: usize, bTransposed: bool,
  out: usize, outStride: usize, base: usize, baseStride: usize, keep: bool,
): void {
  if (n == 0) return;
  const nPadded = (n + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
  const whole = keep && k <= PACKED_B_FLOATS / nPadded;
  const kept = whole && keptB == b && keptDepth == k && keptColumns == n && keptTransposed == bTransposed;
  keptB = whole ? b : 0;
  keptDepth = k;
  keptColumns = n;
  keptTransposed = bTransposed;
  for (let j: usize = 0; j < n; j += COLUMN_BLOCK) {
    const columns = min(COLUMN_BLOCK, n - j);
    let p: usize = 0;
    do {
      const depth = min(DEPTH_BLOCK, k - p);
      const panels = whole ? packedB + (nPadded * p + j * depth) * FLOAT_BYTES : packedB;
      if (!kept) {
        if (bTransposed) packAcross(b + j * bStride + p * FLOAT_BYTES, bStride, columns, depth, TILE_COLUMNS, panels);
        else packAlong(b + p * bStride + j * FLOAT_BYTES, bStride, columns, depth, TILE_COLUMNS, panels);
      }
      const from = p == 0 ? base : out;
      const fromStride = p == 0 ? baseStride : outStride;
      for (let i: usize = 0; i < m; i += ROW_BLOCK) {
        const rows = min(ROW_BLOCK, m - i);
        if (aTransposed) packAlong(a + p * aStride + i * FLOAT_BYTES, aStride, rows, depth, TILE_ROWS, packedA);
        else packAcross(a + i * aStride + p * FLOAT_BYTES, aStride, rows, depth, TILE_ROWS, packedA);
        const corner = j * FLOAT_BYTES;
        multiplyBlock(rows, columns, depth, panels, out + i * outStride + corner, outStride, from ? from + i * fromStride + corner : 0, fromStride);
      }
      p += DEPTH_BLOCK;
    } while (p < k);
  }
}

/** `out [rows, columns] = packedA panels + base`, tile by tile. */
function multiplyBlock(rows: usize, columns: usize, depth: usize, panel: usize, out: usize, outStride: usize, base: usize, baseStride: usize): void {
  for (let j: usize = 0; j < columns; j += TILE_COLUMNS) {
    let a = packedA;
    for (let i: usize = 0; i < rows; i += TILE_ROWS) {
      const tile = out + i * outStride + j * FLOAT_BYTES;
      const tileBase = base ? base + i * baseStride + j * FLOAT_BYTES : 0;
      if (i + TILE_ROWS <= rows && j + TILE_COLUMNS <= columns) {
        multiplyTile(a, panel, depth, tile, outStride, tileBase, baseStride);
      } else {
        multiplyTile(a, panel, depth, edgeTile, TILE_COLUMNS * FLOAT_BYTES, 0, 0);
        storeEdge(min(TILE_ROWS, rows - i), min(TILE_COLUMNS, columns - j), tile, outStride, tileBase, baseStride);
      }
      a += TILE_ROWS * depth * FLOAT_BYTES;
    }
    panel += TILE_COLUMNS * depth * FLOAT_BYTES;
  }
}

/** Copies the part of `edgeTile` that lies inside the result. */
function storeEdge(rows: usize, columns: usize, out: usize, outStride: usize, base: usize, baseStride: usize): void {
  for (let i: usize = 0; i < rows; i += 1) {
    for (let j: usize = 0; j < columns; j += 1) {
      const at = j * FLOAT_BYTES;
      const sum = load<f32>(edgeTile + i * TILE_COLUMNS * FLOAT_BYTES + at);
      store<f32>(out + i * outStride + at, base ? sum + load<f32>(base + i * baseStride + at) : sum);
    }
  }
}

/** The 4 x 8 tile: eight accumulators, two values of b, one of a, all in registers. */
function multiplyTile(a: usize, b: usize, depth: usize, out: usize, outStride: usize, base: usize, baseStride: usize): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  const end = a + depth * 16;
  while (a < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4), a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12);
    c00 = f32x4.add(c00, f32x4.mul(a0, b0));
    c01 = f32x4.add(c01, f32x4.mul(a0, b1));
    c10 = f32x4.add(c10, f32x4.mul(a1, b0));
    c11 = f32x4.add(c11, f32x4.mul(a1, b1));
    c20 = f32x4.add(c20, f32x4.mul(a2, b0));
    c21 = f32x4.add(c21, f32x4.mul(a2, b1));
    c30 = f32x4.add(c30, f32x4.mul(a3, b0));
    c31 = f32x4.add(c31, f32x4.mul(a3, b1));
    a += 16;
    b += 32;
  }
  if (base) {
    c00 = f32x4.add(c00, v128.load(base)); c01 = f32x4.add(c01, v128.load(base, 16)); base += baseStride;
    c10 = f32x4.add(c10, v128.load(base)); c11 = f32x4.add(c11, v128.load(base, 16)); base += baseStride;
    c20 = f32x4.add(c20, v128.load(base)); c21 = f32x4.add(c21, v128.load(base, 16)); base += baseStride;
    c30 = f32x4.add(c30, v128.load(base)); c31 = f32x4.add(c31, v128.load(base, 16));
  }
  v128.store(out, c00); v128.store(out, c01, 16); out += outStride;
  v128.store(out, c10); v128.store(out, c11, 16); out += outStride;
  v128.store(out, c20); v128.store(out, c21, 16); out += outStride;
  v128.store(out, c30); v128.store(out, c31, 16);
}
