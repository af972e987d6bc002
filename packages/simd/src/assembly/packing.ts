// A panel holds `width` neighbouring rows (or columns) of an operand, interleaved: for each step `p` of the inner dimension the
// `width` values that one tile needs lie side by side. Lanes past the edge are zero, so that every tile is computed as a full one.

const FLOAT_BYTES: usize = 4;

/**
 * Packs `lanes` x `depth` values whose steps are contiguous: lane `i`, step `p` lies at `source + i * stride + p * 4`.
 * `width` is a multiple of 4; `stride` is in bytes.
 */
export function packAcross(source: usize, stride: usize, lanes: usize, depth: usize, width: usize, into: usize): void {
  for (let lane: usize = 0; lane < lanes; lane += width) {
    const used = min(width, lanes - lane);
    const first = source + lane * stride;
    for (let quad: usize = 0; quad < width; quad += 4) {
      const target = into + quad * FLOAT_BYTES;
      if (quad + 4 <= used) packQuad(first + quad * stride, stride, depth, width, target);
      else packRaggedQuad(first + quad * stride, stride, used > quad ? used - quad : 0, depth, width, target);
    }
    into += width * depth * FLOAT_BYTES;
  }
}

/** Four whole lanes, transposed in blocks of 4 x 4. */
function packQuad(row0: usize, stride: usize, depth: usize, width: usize, into: usize): void {
  const step = width * FLOAT_BYTES;
  const blocksEnd = row0 + (depth & ~3) * FLOAT_BYTES;
  const end = row0 + depth * FLOAT_BYTES;
  let row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride;
  while (row0 < blocksEnd) {
    const x0 = v128.load(row0), x1 = v128.load(row1), x2 = v128.load(row2), x3 = v128.load(row3);
    const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5), high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
    const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5), high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
    v128.store(into, i64x2.shuffle(low01, low23, 0, 2));
    v128.store(into + step, i64x2.shuffle(low01, low23, 1, 3));
    v128.store(into + 2 * step, i64x2.shuffle(high01, high23, 0, 2));
    v128.store(into + 3 * step, i64x2.shuffle(high01, high23, 1, 3));
    row0 += 16; row1 += 16; row2 += 16; row3 += 16;
    into += 4 * step;
  }
  while (row0 < end) {
    v128.store(into, f32x4(load<f32>(row0), load<f32>(row1), load<f32>(row2), load<f32>(row3)));
    row0 += 4; row1 += 4; row2 += 4; row3 += 4;
    into += step;
  }
}

function packRaggedQuad(row: usize, stride: usize, used: usize, depth: usize, width: usize, into: usize): void {
  for (let p: usize = 0; p < depth; p += 1) {
    v128.store(into, f32x4.splat(0));
    for (let i: usize = 0; i < used; i += 1) store<f32>(into + i * FLOAT_BYTES, load<f32>(row + i * stride + p * FLOAT_BYTES));
    into += width * FLOAT_BYTES;
  }
}

/**
 * Packs `lanes` x `depth` values whose lanes are contiguous: lane `i`, step `p` lies at `source + p * stride + i * 4`.
 * `width` is a multiple of 4; `stride` is in bytes.
 */
export function packAlong(source: usize, stride: usize, lanes: usize, depth: usize, width: usize, into: usize): void {
  for (let lane: usize = 0; lane < lanes; lane += width) {
    const used = min(width, lanes - lane);
    let from = source + lane * FLOAT_BYTES;
    for (let p: usize = 0; p < depth; p += 1) {
      if (used == width) {
        for (let i: usize = 0; i < width; i += 4) v128.store(into + i * FLOAT_BYTES, v128.load(from + i * FLOAT_BYTES));
      } else {
        for (let i: usize = 0; i < width; i += 1) store<f32>(into + i * FLOAT_BYTES, i < used ? load<f32>(from + i * FLOAT_BYTES) : 0);
      }
      from += stride;
      into += width * FLOAT_BYTES;
    }
  }
}
