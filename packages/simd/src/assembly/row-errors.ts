const FLOAT_BYTES: usize = 4;

/** For each row of `a` and `b [N, n]`: `losses [N, 1]`, the mean of `(a - b)^2` summed in float64, and `dA = 2 (a - b) / n`, assigned. */
export function squaredError(a: usize, b: usize, N: usize, n: usize, losses: usize, dA: usize): void {
  const width = f64(n);
  for (let row: usize = 0; row < N; row += 1) {
    let sum: f64 = 0;
    for (const end = a + n * FLOAT_BYTES; a < end; a += FLOAT_BYTES, b += FLOAT_BYTES, dA += FLOAT_BYTES) {
      const difference = f64(load<f32>(a)) - f64(load<f32>(b));
      sum += difference * difference;
      store<f32>(dA, f32(2 / width * difference));
    }
    store<f32>(losses + row * FLOAT_BYTES, f32(sum / width));
  }
}

/**
 * Pascanu's penalty, row by row of `e`, `v` and `u [N, H]`: `penalties [N, 1] = (||u|| / ||e|| - 1)^2` and `scaled = p v` with
 * `p = 2 (||u|| / ||e|| - 1) / (||e|| ||u||)`, into zeros. A row with `e` zero stays zero, and `scaled` does where `u` is zero.
 */
export function jacobianPenalty(e: usize, v: usize, u: usize, N: usize, H: usize, penalties: usize, scaled: usize): void {
  const bytes = H * FLOAT_BYTES;
  for (let row: usize = 0; row < N; row += 1, e += bytes, v += bytes, u += bytes, scaled += bytes, penalties += FLOAT_BYTES) {
    const lengthE = lengthOf(e, bytes), lengthU = lengthOf(u, bytes);
    if (lengthE == 0) continue;
    const excess = lengthU / lengthE - 1;
    store<f32>(penalties, f32(excess * excess));
    if (lengthU == 0) continue;
    const factor = 2 * excess / (lengthE * lengthU);
    for (let at: usize = 0; at < bytes; at += FLOAT_BYTES) store<f32>(scaled + at, f32(factor * f64(load<f32>(v + at))));
  }
}

/** Euclidean length, in float64, where no square of a float32 is lost. */
function lengthOf(at: usize, bytes: usize): f64 {
  let sum: f64 = 0;
  for (const end = at + bytes; at < end; at += FLOAT_BYTES) {
    const x = f64(load<f32>(at));
    sum += x * x;
  }
  return Math.sqrt(sum);
}
