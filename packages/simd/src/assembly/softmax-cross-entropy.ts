import { exp4 } from './elementary';

/** Vectors whose sum is kept in float32 before it goes into the float64 sum of the row. */
const SUM_BLOCK_BYTES: usize = 32 * 16;

/**
 * For each row of `logits [rows, columns]`: `losses[i] = -log softmax(o_i)[y_i]` in nats, and the logits become the gradient of the
 * loss, `softmax(o_i) - onehot(y_i)`. `stride` (bytes) is `columns` rounded up to whole vectors; the padding becomes zero. Targets
 * lie in `[0, columns)`.
 *
 * The target is left out of the sum of exponentials and added last: then the gradient at the target, `-(sum of the others) / sum`,
 * keeps its relative accuracy when the model is sure, where `p - 1` would lose it.
 */
export function softmaxCrossEntropy(logits: usize, rows: usize, columns: usize, stride: usize, targets: usize, losses: usize): void {
  for (let i: usize = 0; i < rows; i += 1, logits += stride) {
    const end = logits + stride;
    for (let at = logits + columns * 4; at < end; at += 4) store<f32>(at, -Infinity);
    const target = logits + usize(load<i32>(targets + i * 4)) * 4;
    const most = greatest(logits, end);
    const lead = load<f32>(target) - most;
    store<f32>(target, -Infinity);
    const others = exponentials(logits, end, most);
    const sum = others + f64(f32x4.extract_lane(exp4(f32x4.splat(lead)), 0));
    scale(logits, end, f32(1 / sum));
    store<f32>(target, f32(-others / sum));
    store<f32>(losses + i * 4, f32(Math.log(sum) - f64(lead)));
  }
}

/** Greatest of the floats `[at, end)`. Where one is NaN it may be any other: the sum of the exponentials shows the NaN. */
function greatest(at: usize, end: usize): f32 {
  let most = v128.load(at);
  for (; at < end; at += 16) most = f32x4.pmax(v128.load(at), most);
  return max(max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)), max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)));
}

/** Replaces each `x` of `[at, end)` by `e^(x - shift)` and returns their sum. */
function exponentials(at: usize, end: usize, shift: f32): f64 {
  const shifts = f32x4.splat(shift);
  let total: f64 = 0;
  while (at < end) {
    let sum = f32x4.splat(0);
    for (const blockEnd = min(at + SUM_BLOCK_BYTES, end); at < blockEnd; at += 16) {
      const e = exp4(f32x4.sub(v128.load(at), shifts));
      v128.store(at, e);
      sum = f32x4.add(sum, e);
    }
    total += f64(f32x4.extract_lane(sum, 0)) + f64(f32x4.extract_lane(sum, 1)) + f64(f32x4.extract_lane(sum, 2)) + f64(f32x4.extract_lane(sum, 3));
  }
  return total;
}

function scale(at: usize, end: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), factors));
}
