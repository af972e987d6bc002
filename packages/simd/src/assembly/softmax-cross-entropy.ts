import { expDown4 } from './elementary';
import { FLOAT_BYTES } from './packing';

// The softmax of many rows at once, on transposed logits [V, N]: a vector holds four rows, so that nothing is ever summed across its lanes and a
// row's bits do not depend on its neighbours. Words are taken in chunks, because a chunk stays in the second-level cache between the product that makes or
// reads it and what is done to it here. In this order: `startSoftmax`; for every chunk `addBiasAndMaximum`; `takeTargetsOut`; for every chunk
// `exponentials`; `finishSoftmax`; for every chunk `outputErrors`.
//
// The target is left out of the sum of exponentials and added last: then the error of the target, `-(sum of the others) / sum`, keeps its
// relative accuracy when the model is sure, where `p - 1` would lose it.
//
// `lanes` is N rounded up to whole vectors; lanes without a row get factor zero in `finishSoftmax`, and so errors of zero.

/** Greatest logits `[lanes]` before any. */
export function startSoftmax(maxima: usize, sums: usize, lanes: usize): void {
  for (let lane: usize = 0; lane < lanes; lane += 4) v128.store(maxima + lane * 4, f32x4.splat(-Infinity));
  memory.fill(sums, 0, lanes * 8);
}

/**
 * Adds `bias [words]` (none where 0) to a chunk of logits `[words, lanes]` and takes the greatest of every row into `maxima`, in whatever order chunks
 * come. Where one is NaN that may be any other: the sum of the exponentials shows the NaN.
 */
export function addBiasAndMaximum(logits: usize, words: usize, lanes: usize, bias: usize, maxima: usize): void {
  const bytes = lanes * FLOAT_BYTES;
  for (let word: usize = 0; word < words; word += 1, logits += bytes) {
    const shift = bias ? v128.load32_splat(bias + word * 4) : f32x4.splat(0);
    for (let lane: usize = 0; lane < bytes; lane += 16) {
      const x = f32x4.add(v128.load(logits + lane), shift);
      v128.store(logits + lane, x);
      v128.store(maxima + lane, f32x4.pmax(x, v128.load(maxima + lane)));
    }
  }
}

/** `leads [N]`: how far the logit of a row's target is above the greatest one. The logit becomes -Infinity. */
export function takeTargetsOut(logits: usize, lanes: usize, targets: usize, rows: usize, maxima: usize, leads: usize): void {
  for (let n: usize = 0; n < rows; n += 1) {
    const at = logits + (usize(load<i32>(targets + n * 4)) * lanes + n) * FLOAT_BYTES;
    store<f32>(leads + n * 4, load<f32>(at) - load<f32>(maxima + n * 4));
    store<f32>(at, -Infinity);
  }
}

/** Replaces each `x` of a chunk by `e^(x - maximum)` and adds them to `sums [lanes]`, float64; `partial [lanes]` is room for the sums of this chunk, float32. */
export function exponentials(logits: usize, words: usize, lanes: usize, maxima: usize, partial: usize, sums: usize): void {
  const bytes = lanes * FLOAT_BYTES;
  memory.fill(partial, 0, bytes);
  const end = logits + words * bytes;
  // Four words in a turn: an exponential is a chain of operations, and the processor has others to do while one waits.
  for (; logits + 3 * bytes < end; logits += 4 * bytes) {
    for (let lane: usize = 0; lane < bytes; lane += 16) {
      const first = logits + lane, second = first + bytes, third = second + bytes, fourth = third + bytes;
      const greatest = v128.load(maxima + lane);
      const e0 = expDown4(f32x4.sub(v128.load(first), greatest)), e1 = expDown4(f32x4.sub(v128.load(second), greatest));
      const e2 = expDown4(f32x4.sub(v128.load(third), greatest)), e3 = expDown4(f32x4.sub(v128.load(fourth), greatest));
      v128.store(first, e0);
      v128.store(second, e1);
      v128.store(third, e2);
      v128.store(fourth, e3);
      v128.store(partial + lane, f32x4.add(f32x4.add(f32x4.add(f32x4.add(v128.load(partial + lane), e0), e1), e2), e3));
    }
  }
  for (; logits < end; logits += bytes) {
    for (let lane: usize = 0; lane < bytes; lane += 16) {
      const e = expDown4(f32x4.sub(v128.load(logits + lane), v128.load(maxima + lane)));
      v128.store(logits + lane, e);
      v128.store(partial + lane, f32x4.add(v128.load(partial + lane), e));
    }
  }
  for (let lane: usize = 0; lane < lanes; lane += 1) store<f64>(sums + lane * 8, load<f64>(sums + lane * 8) + f64(load<f32>(partial + lane * 4)));
}

/**
 * `losses [N] = -log softmax(o_n)[y_n]` in nats, `factors [lanes] = 1 / sum of the exponentials` and zero behind the last row; the places of the
 * targets get what `outputErrors` makes their error of.
 */
export function finishSoftmax(
  logits: usize, lanes: usize, targets: usize, rows: usize, leads: usize, sums: usize, losses: usize, factors: usize,
): void {
  for (let n: usize = 0; n < lanes; n += 1) {
    if (n >= rows) {
      store<f32>(factors + n * 4, 0);
      continue;
    }
    const lead = load<f32>(leads + n * 4);
    const others = load<f64>(sums + n * 8);
    const sum = others + f64(f32x4.extract_lane(expDown4(f32x4.splat(lead)), 0));
    store<f32>(factors + n * 4, f32(1 / sum));
    store<f32>(losses + n * 4, f32(Math.log(sum) - f64(lead)));
    store<f32>(logits + (usize(load<i32>(targets + n * 4)) * lanes + n) * FLOAT_BYTES, -f32(others));
  }
}

/** A chunk of exponentials becomes `softmax(o) - onehot(y)`; the sum over all rows is added to `dBias [words]` (none where 0), summed in float64. */
export function outputErrors(logits: usize, words: usize, lanes: usize, factors: usize, dBias: usize): void {
  const bytes = lanes * FLOAT_BYTES;
  for (let word: usize = 0; word < words; word += 1, logits += bytes) {
    let low = f64x2.splat(0), high = low;
    for (let lane: usize = 0; lane < bytes; lane += 16) {
      const x = f32x4.mul(v128.load(logits + lane), v128.load(factors + lane));
      v128.store(logits + lane, x);
      if (!dBias) continue;
      low = f64x2.add(low, f64x2.promote_low_f32x4(x));
      high = f64x2.add(high, f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1)));
    }
    if (!dBias) continue;
    const sum = f64x2.add(low, high);
    const at = dBias + word * 4;
    store<f32>(at, load<f32>(at) + f32(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
  }
}
