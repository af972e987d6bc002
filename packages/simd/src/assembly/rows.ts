import { add } from './pointwise';

const FLOAT_BYTES: usize = 4;

/** `out [count, columns]`: row `ids[i]` of `table` in row `i`; zeros where the id is -1. */
export function gatherRows(table: usize, columns: usize, ids: usize, count: usize, out: usize): void {
  const bytes = columns * FLOAT_BYTES;
  for (let i: usize = 0; i < count; i += 1, out += bytes) {
    const id = load<i32>(ids + i * 4);
    if (id < 0) memory.fill(out, 0, bytes);
    else memory.copy(out, table + usize(id) * bytes, bytes);
  }
}

/** Adds row `i` of `values [count, columns]` to row `ids[i]` of `out`, in ascending `i`; -1 is left out. */
export function scatterAddRows(values: usize, columns: usize, ids: usize, count: usize, out: usize): void {
  const bytes = columns * FLOAT_BYTES;
  for (let i: usize = 0; i < count; i += 1, values += bytes) {
    const id = load<i32>(ids + i * 4);
    if (id >= 0) addTo(out + usize(id) * bytes, values, columns);
  }
}

function addTo(out: usize, values: usize, count: usize): void {
  const vectorsEnd = out + (count & ~3) * FLOAT_BYTES;
  const end = out + count * FLOAT_BYTES;
  for (; out < vectorsEnd; out += 16, values += 16) v128.store(out, f32x4.add(v128.load(out), v128.load(values)));
  for (; out < end; out += 4, values += 4) store<f32>(out, load<f32>(out) + load<f32>(values));
}

/** `bytes` bytes of zeros: what an array of JavaScript fills its shared memory with goes byte by byte. */
export function zero(out: usize, bytes: usize): void {
  memory.fill(out, 0, bytes);
}

/** Copies `bytes` bytes: three times as fast as an array of JavaScript copies in shared memory. */
export function copy(from: usize, bytes: usize, out: usize): void {
  memory.copy(out, from, bytes);
}

/**
 * `out [1, columns] += sum of the rows of a [rows, columns]`, summed in float64 and ascending order, because such sums are long; `stride` is in bytes.
 * Whole vectors are read and written: up to 12 bytes past the end of `out`, which must not hold values that are needed. `sums` is room for so many
 * float64 numbers as there are floats in the vectors of a row. Rows are gone through in the order in which they lie, four at a time.
 */
export function addSumOfRows(a: usize, rows: usize, columns: usize, stride: usize, out: usize, sums: usize): void {
  const bytes = columns * FLOAT_BYTES;
  memory.fill(sums, 0, ((bytes + 15) & ~15) * 2);
  const fourEnd = a + (rows & ~3) * stride;
  for (; a < fourEnd; a += 4 * stride) {
    for (let at = a, end = a + bytes, sum = sums; at < end; at += 16, sum += 32) {
      const x0 = v128.load(at), x1 = v128.load(at + stride), x2 = v128.load(at + 2 * stride), x3 = v128.load(at + 3 * stride);
      const low = f64x2.add(f64x2.add(f64x2.add(f64x2.add(v128.load(sum), promoteLow(x0)), promoteLow(x1)), promoteLow(x2)), promoteLow(x3));
      const high = f64x2.add(f64x2.add(f64x2.add(f64x2.add(v128.load(sum, 16), promoteHigh(x0)), promoteHigh(x1)), promoteHigh(x2)), promoteHigh(x3));
      v128.store(sum, low);
      v128.store(sum, high, 16);
    }
  }
  for (const rowsEnd = fourEnd + (rows & 3) * stride; a < rowsEnd; a += stride) {
    for (let at = a, end = a + bytes, sum = sums; at < end; at += 16, sum += 32) {
      const x = v128.load(at);
      v128.store(sum, f64x2.add(v128.load(sum), promoteLow(x)));
      v128.store(sum, f64x2.add(v128.load(sum, 16), promoteHigh(x)), 16);
    }
  }
  for (const outEnd = out + bytes; out < outEnd; out += 16, sums += 32) {
    const sum = i64x2.shuffle(f32x4.demote_f64x2_zero(v128.load(sums)), f32x4.demote_f64x2_zero(v128.load(sums, 16)), 0, 2);
    v128.store(out, f32x4.add(v128.load(out), sum));
  }
}

// @ts-ignore: decorator
@inline
function promoteLow(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1));
}

/**
 * `out [rows, columns]`: `row [1, columns]` added to every row of `a`. A row's last vector may reach into the next row of `out`, which
 * is written after it.
 */
export function addRow(a: usize, row: usize, rows: usize, columns: usize, out: usize): void {
  const bytes = columns * FLOAT_BYTES;
  for (let i: usize = 0; i < rows; i += 1, a += bytes, out += bytes) add(a, row, out, columns);
}

/** Index of the first of `count` ids outside `[-1, limit)`, or `count` when there is none. */
export function firstIdOutside(ids: usize, count: usize, limit: i32): usize {
  for (let i: usize = 0; i < count; i += 1) {
    const id = load<i32>(ids + i * 4);
    if (id < -1 || id >= limit) return i;
  }
  return count;
}

/** Copies a block of `rows` x `columns` floats; strides are in bytes, from row to row. */
export function copyBlock(from: usize, fromStride: usize, rows: usize, columns: usize, out: usize, outStride: usize): void {
  for (let i: usize = 0; i < rows; i += 1, from += fromStride, out += outStride) memory.copy(out, from, columns * FLOAT_BYTES);
}

/** `out [columns, rows]`, without gaps: a block of `rows` x `columns` floats transposed; `stride` is in bytes, from row to row. */
export function transpose(from: usize, stride: usize, rows: usize, columns: usize, out: usize): void {
  const outStride = rows * FLOAT_BYTES;
  for (let j: usize = 0; j < columns; j += 4) {
    for (let i: usize = 0; i < rows; i += 4) {
      const source = from + i * stride + j * FLOAT_BYTES, target = out + j * outStride + i * FLOAT_BYTES;
      if (i + 4 <= rows && j + 4 <= columns) transposeQuad(source, stride, target, outStride);
      else for (let a: usize = 0; a < min(4, rows - i); a += 1) for (let b: usize = 0; b < min(4, columns - j); b += 1) store<f32>(target + b * outStride + a * FLOAT_BYTES, load<f32>(source + a * stride + b * FLOAT_BYTES));
    }
  }
}

function transposeQuad(from: usize, stride: usize, out: usize, outStride: usize): void {
  const x0 = v128.load(from), x1 = v128.load(from + stride), x2 = v128.load(from + 2 * stride), x3 = v128.load(from + 3 * stride);
  const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5), high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
  const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5), high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
  v128.store(out, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(out + outStride, i64x2.shuffle(low01, low23, 1, 3));
  v128.store(out + 2 * outStride, i64x2.shuffle(high01, high23, 0, 2));
  v128.store(out + 3 * outStride, i64x2.shuffle(high01, high23, 1, 3));
}
