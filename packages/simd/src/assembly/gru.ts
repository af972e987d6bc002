import { add, sigmoid, tanh } from './pointwise';

// The gates of one row lie H floats apart: r, z, n. Rows, vectors and gates are walked in the order that `lstm.ts` explains, which makes
// every H right. No result may be an operand.

/**
 * One GRU step from `a = W_ih x_t + b_ih`, `b = W_hh h_{t-1} + b_hh` (each `[N, 3H]`) and `h_{t-1} [N, H]`: `gates [N, 3H]` with
 * `r = sigmoid(a_r + b_r)`, `z = sigmoid(a_z + b_z)`, `n = tanh(a_n + r b_n)`, and `h_t = n + z (h_{t-1} - n)`, assigned.
 */
export function gruGates(a: usize, b: usize, previous: usize, N: usize, H: usize, state: usize, gates: usize): void {
  const bytes = H * 4;
  for (let row: usize = 0; row < N; row += 1) {
    const z = gates + bytes, n = z + bytes;
    add(a, b, gates, 2 * H);
    sigmoid(gates, gates, 2 * H);
    for (let unit: usize = 0; unit < bytes; unit += 16) {
      v128.store(n + unit, f32x4.add(v128.load(a + unit + 2 * bytes), f32x4.mul(v128.load(gates + unit), v128.load(b + unit + 2 * bytes))));
    }
    tanh(n, n, H);
    for (let unit: usize = 0; unit < bytes; unit += 16) {
      const candidate = v128.load(n + unit);
      v128.store(state + unit, f32x4.add(candidate, f32x4.mul(v128.load(z + unit), f32x4.sub(v128.load(previous + unit), candidate))));
    }
    a += 3 * bytes;
    b += 3 * bytes;
    gates += 3 * bytes;
    previous += bytes;
    state += bytes;
  }
}

/**
 * The way back, from the gradient `d` of `h_t`, assigned: `dA [N, 3H] = (dr, dz, dn)` with `dn = d (1 - z) (1 - n^2)`,
 * `dr = dn b_n r (1 - r)` and `dz = d (h_{t-1} - n) z (1 - z)`; `dB [N, 3H] = (dr, dz, dn r)`; `dPrevious [N, H] = d z`.
 */
export function gruGatesBackward(
  gates: usize, b: usize, previous: usize, dState: usize, N: usize, H: usize, dA: usize, dB: usize, dPrevious: usize,
): void {
  const bytes = H * 4;
  const one = f32x4.splat(1);
  for (let row: usize = 0; row < N; row += 1) {
    for (let end = (bytes + 15) & ~15; end > 0; end -= 16) {
      const unit = end - 16;
      const from = gates + unit, toA = dA + unit, toB = dB + unit;
      const r = v128.load(from), z = v128.load(from + bytes), n = v128.load(from + 2 * bytes);
      const d = v128.load(dState + unit);
      const dN = f32x4.mul(f32x4.mul(d, f32x4.sub(one, z)), f32x4.mul(f32x4.sub(one, n), f32x4.add(one, n)));
      const dR = f32x4.mul(f32x4.mul(dN, v128.load(b + unit + 2 * bytes)), f32x4.mul(r, f32x4.sub(one, r)));
      const dZ = f32x4.mul(f32x4.mul(d, f32x4.sub(v128.load(previous + unit), n)), f32x4.mul(z, f32x4.sub(one, z)));
      v128.store(toA, dR);
      v128.store(toA + bytes, dZ);
      v128.store(toA + 2 * bytes, dN);
      v128.store(toB, dR);
      v128.store(toB + bytes, dZ);
      v128.store(toB + 2 * bytes, f32x4.mul(dN, r));
      v128.store(dPrevious + unit, f32x4.mul(d, z));
    }
    gates += 3 * bytes;
    b += 3 * bytes;
    dA += 3 * bytes;
    dB += 3 * bytes;
    previous += bytes;
    dState += bytes;
    dPrevious += bytes;
  }
}
