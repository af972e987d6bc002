import { sigmoid4, tanh4 } from './elementary';

// The gates of one row lie H floats apart: i, f, g, o. Where H is not a multiple of 4 the last vector of a gate reaches into the next gate,
// or the next row. So the rows are walked from first to last, the vectors of a row from last to first, and the gates in their order: what
// a vector writes past its end, at most three floats, is written anew by the first vector of what follows. Behind the last row the caller
// leaves room for them. No result may be an operand.

/**
 * One LSTM step from its pre-activations `a [N, 4H]` and `c_{t-1} [N, H]`: `gates [N, 4H]` (i, f, g, o after their nonlinearities),
 * `c_t = f c_{t-1} + i g` and `h_t = o tanh c_t`, assigned.
 */
export function lstmGates(a: usize, previousCell: usize, N: usize, H: usize, state: usize, cell: usize, gates: usize): void {
  const bytes = H * 4;
  for (let n: usize = 0; n < N; n += 1) {
    for (let end = (bytes + 15) & ~15; end > 0; end -= 16) {
      const unit = end - 16;
      const from = a + unit, to = gates + unit;
      const i = sigmoid4(v128.load(from));
      const f = sigmoid4(v128.load(from + bytes));
      const g = tanh4(v128.load(from + 2 * bytes));
      const o = sigmoid4(v128.load(from + 3 * bytes));
      const c = f32x4.add(f32x4.mul(f, v128.load(previousCell + unit)), f32x4.mul(i, g));
      v128.store(to, i);
      v128.store(to + bytes, f);
      v128.store(to + 2 * bytes, g);
      v128.store(to + 3 * bytes, o);
      v128.store(cell + unit, c);
      v128.store(state + unit, f32x4.mul(o, tanh4(c)));
    }
    a += 4 * bytes;
    gates += 4 * bytes;
    previousCell += bytes;
    cell += bytes;
    state += bytes;
  }
}

/**
 * The way back, from the gradients of `h_t` and `c_t`. With `d = dc + dh o (1 - tanh^2 c)` the error of `c_t`, assigned:
 * `dA [N, 4H] = (d g i (1 - i), d c_{t-1} f (1 - f), d i (1 - g^2), dh tanh(c) o (1 - o))` and `dPreviousCell [N, H] = d f`.
 */
export function lstmGatesBackward(
  gates: usize, previousCell: usize, cell: usize, dState: usize, dCell: usize, N: usize, H: usize, dA: usize, dPreviousCell: usize,
): void {
  const bytes = H * 4;
  const one = f32x4.splat(1);
  for (let n: usize = 0; n < N; n += 1) {
    for (let end = (bytes + 15) & ~15; end > 0; end -= 16) {
      const unit = end - 16;
      const from = gates + unit, to = dA + unit;
      const i = v128.load(from), f = v128.load(from + bytes), g = v128.load(from + 2 * bytes), o = v128.load(from + 3 * bytes);
      const squashed = tanh4(v128.load(cell + unit));
      const dH = v128.load(dState + unit);
      const slope = f32x4.mul(f32x4.sub(one, squashed), f32x4.add(one, squashed));
      const d = f32x4.add(v128.load(dCell + unit), f32x4.mul(f32x4.mul(dH, o), slope));
      v128.store(to, f32x4.mul(f32x4.mul(d, g), f32x4.mul(i, f32x4.sub(one, i))));
      v128.store(to + bytes, f32x4.mul(f32x4.mul(d, v128.load(previousCell + unit)), f32x4.mul(f, f32x4.sub(one, f))));
      v128.store(to + 2 * bytes, f32x4.mul(f32x4.mul(d, i), f32x4.mul(f32x4.sub(one, g), f32x4.add(one, g))));
      v128.store(to + 3 * bytes, f32x4.mul(f32x4.mul(dH, squashed), f32x4.mul(o, f32x4.sub(one, o))));
      v128.store(dPreviousCell + unit, f32x4.mul(d, f));
    }
    gates += 4 * bytes;
    dA += 4 * bytes;
    previousCell += bytes;
    cell += bytes;
    dState += bytes;
    dCell += bytes;
    dPreviousCell += bytes;
  }
}
