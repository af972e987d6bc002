import { multiply, sigmoid, tanh } from './pointwise';

// The gates of one row lie H floats apart: i, f, g, o. Where H is not a multiple of 4 the last vector of a gate reaches into the next gate, or the next
// row, by at most three floats. So everything is written in ascending order, or a row from its last vector to its first: what a vector writes past its
// end is written anew by what follows. Behind the last row the caller leaves room. No result may be an operand.

/**
 * One LSTM step from its pre-activations `a [N, 4H]` and `c_{t-1} [N, H]`: `gates [N, 4H]` (i, f, g, o after their nonlinearities),
 * `c_t = f c_{t-1} + i g`, `squashed [N, H] = tanh c_t` and `h_t = o tanh c_t`, assigned.
 */
export function lstmGates(a: usize, previousCell: usize, N: usize, H: usize, state: usize, cell: usize, squashed: usize, gates: usize): void {
  const bytes = H * 4;
  for (let n: usize = 0; n < N; n += 1) {
    const f = gates + bytes, g = f + bytes, o = g + bytes;
    sigmoid(a, gates, 2 * H);
    tanh(a + 2 * bytes, g, H);
    sigmoid(a + 3 * bytes, o, H);
    for (let unit: usize = 0; unit < bytes; unit += 16) {
      const kept = f32x4.mul(v128.load(f + unit), v128.load(previousCell + unit));
      v128.store(cell + unit, f32x4.add(kept, f32x4.mul(v128.load(gates + unit), v128.load(g + unit))));
    }
    tanh(cell, squashed, H);
    multiply(o, squashed, state, H);
    a += 4 * bytes;
    gates += 4 * bytes;
    previousCell += bytes;
    cell += bytes;
    squashed += bytes;
    state += bytes;
  }
}

/**
 * The way back, from the gradients of `h_t` and `c_t` and from `squashed = tanh c_t`. With `d = dc + dh o (1 - tanh^2 c)` the error of `c_t`, assigned:
 * `dA [N, 4H] = (d g i (1 - i), d c_{t-1} f (1 - f), d i (1 - g^2), dh tanh(c) o (1 - o))` and `dPreviousCell [N, H] = d f`.
 */
export function lstmGatesBackward(
  gates: usize, previousCell: usize, squashed: usize, dState: usize, dCell: usize, N: usize, H: usize, dA: usize, dPreviousCell: usize,
): void {
  const bytes = H * 4;
  const one = f32x4.splat(1);
  for (let n: usize = 0; n < N; n += 1) {
    for (let end = (bytes + 15) & ~15; end > 0; end -= 16) {
      const unit = end - 16;
      const from = gates + unit, to = dA + unit;
      const i = v128.load(from), f = v128.load(from + bytes), g = v128.load(from + 2 * bytes), o = v128.load(from + 3 * bytes);
      const s = v128.load(squashed + unit);
      const dH = v128.load(dState + unit);
      const slope = f32x4.mul(f32x4.sub(one, s), f32x4.add(one, s));
      const d = f32x4.add(v128.load(dCell + unit), f32x4.mul(f32x4.mul(dH, o), slope));
      v128.store(to, f32x4.mul(f32x4.mul(d, g), f32x4.mul(i, f32x4.sub(one, i))));
      v128.store(to + bytes, f32x4.mul(f32x4.mul(d, v128.load(previousCell + unit)), f32x4.mul(f, f32x4.sub(one, f))));
      v128.store(to + 2 * bytes, f32x4.mul(f32x4.mul(d, i), f32x4.mul(f32x4.sub(one, g), f32x4.add(one, g))));
      v128.store(to + 3 * bytes, f32x4.mul(f32x4.mul(dH, s), f32x4.mul(o, f32x4.sub(one, o))));
      v128.store(dPreviousCell + unit, f32x4.mul(d, f));
    }
    gates += 4 * bytes;
    dA += 4 * bytes;
    previousCell += bytes;
    squashed += bytes;
    dState += bytes;
    dCell += bytes;
    dPreviousCell += bytes;
  }
}
