// A panel holds TILE_COLUMNS neighbouring columns of a right operand: for each step `p` of the inner dimension the values that one tile needs lie
// side by side. Columns past the edge are zero, so that no tile reads values that are not there.

export const FLOAT_BYTES: usize = 4;
/** Columns of a panel, and of the tile that is held in registers. */
export const TILE_COLUMNS: usize = 8;

const STEP_BYTES: usize = TILE_COLUMNS * FLOAT_BYTES;

/** Packs `columns` x `depth` values whose steps are contiguous: column `j`, step `p` lies at `source + j * stride + p * 4`; `stride` is in bytes. */
export function packAcross(source: usize, stride: usize, columns: usize, depth: usize, into: usize): void {
  for (let j: usize = 0; j < columns; j += TILE_COLUMNS) {
    const used = min(TILE_COLUMNS, columns - j);
    const first = source + j * stride;
    for (let quad: usize = 0; quad < TILE_COLUMNS; quad += 4) {
      const target = into + quad * FLOAT_BYTES;
      if (quad + 4 <= used) packQuad(first + quad * stride, stride, depth, target);
      else packRaggedQuad(first + quad * stride, stride, used > quad ? used - quad : 0, depth, target);
    }
    into += STEP_BYTES * depth;
  }
}

/** Four whole columns, transposed in blocks of 4 x 4. */
function packQuad(row0: usize, stride: usize, depth: usize, into: usize): void {
  const blocksEnd = row0 + (depth & ~3) * FLOAT_BYTES;
  const end = row0 + depth * FLOAT_BYTES;
  let row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride;
  while (row0 < blocksEnd) {
    const x0 = v128.load(row0), x1 = v128.load(row1), x2 = v128.load(row2), x3 = v128.load(row3);
    const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5), high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
    const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5), high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
    v128.store(into, i64x2.shuffle(low01, low23, 0, 2));
    v128.store(into, i64x2.shuffle(low01, low23, 1, 3), STEP_BYTES);
    v128.store(into, i64x2.shuffle(high01, high23, 0, 2), 2 * STEP_BYTES);
    v128.store(into, i64x2.shuffle(high01, high23, 1, 3), 3 * STEP_BYTES);
    row0 += 16; row1 += 16; row2 += 16; row3 += 16;
    into += 4 * STEP_BYTES;
  }
  while (row0 < end) {
    v128.store(into, f32x4(load<f32>(row0), load<f32>(row1), load<f32>(row2), load<f32>(row3)));
    row0 += 4; row1 += 4; row2 += 4; row3 += 4;
    into += STEP_BYTES;
  }
}

function packRaggedQuad(row: usize, stride: usize, used: usize, depth: usize, into: usize): void {
  for (let p: usize = 0; p < depth; p += 1) {
    v128.store(into, f32x4.splat(0));
    for (let i: usize = 0; i < used; i += 1) store<f32>(into + i * FLOAT_BYTES, load<f32>(row + i * stride + p * FLOAT_BYTES));
    into += STEP_BYTES;
  }
}

/**
 * Packs `columns` x `depth` values whose columns are contiguous: column `j`, step `p` lies at `source + p * stride + j * 4`; `stride` is in bytes. Two panels at
 * once where there are two: together they are the width of a line of the cache, which is seldom there any more when the next panel is packed.
 */
export function packAlong(source: usize, stride: usize, columns: usize, depth: usize, into: usize): void {
  const panelBytes = STEP_BYTES * depth;
  let j: usize = 0;
  for (; j + 2 * TILE_COLUMNS <= columns; j += 2 * TILE_COLUMNS, into += panelBytes) {
    let from = source + j * FLOAT_BYTES;
    for (const end = into + panelBytes; into < end; into += STEP_BYTES, from += stride) {
      const beside = into + panelBytes;
      v128.store(into, v128.load(from));
      v128.store(into, v128.load(from, 16), 16);
      v128.store(beside, v128.load(from, 32));
      v128.store(beside, v128.load(from, 48), 16);
    }
  }
  for (; j < columns; j += TILE_COLUMNS) {
    const used = min(TILE_COLUMNS, columns - j);
    let from = source + j * FLOAT_BYTES;
    for (const end = into + panelBytes; into < end; into += STEP_BYTES, from += stride) {
      if (used == TILE_COLUMNS) {
        v128.store(into, v128.load(from));
        v128.store(into, v128.load(from, 16), 16);
      } else {
        for (let i: usize = 0; i < TILE_COLUMNS; i += 1) store<f32>(into + i * FLOAT_BYTES, i < used ? load<f32>(from + i * FLOAT_BYTES) : 0);
      }
    }
  }
}
