import { FLOAT_BYTES } from './packing';

// What adding gradients and making a step consist of, with the bits of core's plain loops: float64 within but in plain descent, rounded where stored, in the same order.
// Arrays are `count` floats anywhere in memory, with neighbours: nothing is read or written past the end.

/** No bits but where a lane is not finite. */
// @ts-ignore: decorator
@inline
function markBad(x: v128): v128 {
  return f32x4.sub(x, x);
}

// @ts-ignore: decorator
@inline
function wholeBytes(count: usize): usize {
  return (count & ~3) * FLOAT_BYTES;
}

/** `sum = left + right`; whether all of it is finite. */
export function addArrays(left: usize, right: usize, sum: usize, count: usize): bool {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < vectors; i += 16) {
    const x = f32x4.add(v128.load(left + i), v128.load(right + i));
    v128.store(sum + i, x);
    bad = v128.or(bad, markBad(x));
  }
  for (let i = vectors; i < bytes; i += 4) {
    const x = load<f32>(left + i) + load<f32>(right + i);
    store<f32>(sum + i, x);
    bad = v128.or(bad, markBad(f32x4.splat(x)));
  }
  return !v128.any_true(bad);
}

/** The two upper lanes, below. */
// @ts-ignore: decorator
@inline
function upper(x: v128): v128 {
  return i64x2.shuffle(x, x, 1, 1);
}

/** Sum of squares, in float64 over four interleaved lanes. */
export function sumOfSquares(values: usize, count: usize): f64 {
  return addSquares(values, count, f64x2.splat(0), f64x2.splat(0));
}

/** The sums of four lanes, `low` and `high`, and with them the squares of `count` floats, of which the first belongs to the first lane. */
// @ts-ignore: decorator
@inline
function addSquares(values: usize, count: usize, low: v128, high: v128): f64 {
  const vectors = wholeBytes(count), rest = count * FLOAT_BYTES - vectors;
  for (let i: usize = 0; i < vectors; i += 16) {
    const x = v128.load(values + i);
    low = f64x2.add(low, squaresLow(x));
    high = f64x2.add(high, squaresLow(upper(x)));
  }
  let s0 = f64x2.extract_lane(low, 0), s1 = f64x2.extract_lane(low, 1), s2 = f64x2.extract_lane(high, 0);
  const s3 = f64x2.extract_lane(high, 1);
  if (rest > 0) s0 += square(load<f32>(values + vectors));
  if (rest > 4) s1 += square(load<f32>(values + vectors + 4));
  if (rest > 8) s2 += square(load<f32>(values + vectors + 8));
  return s0 + s1 + (s2 + s3);
}

/** Squares of the two lower lanes. */
// @ts-ignore: decorator
@inline
function squaresLow(x: v128): v128 {
  const a = f64x2.promote_low_f32x4(x);
  return f64x2.mul(a, a);
}

// @ts-ignore: decorator
@inline
function square(x: f32): f64 {
  return f64(x) * f64(x);
}

/** `factor values`, every element to `[-limit, limit]`; whether one was beyond. */
export function clampArray(values: usize, factor: f32, limit: f32, count: usize): bool {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  const factors = f32x4.splat(factor), limits = f32x4.splat(limit), signs = i32x4.splat(0x80000000);
  let beyond = i32x4.splat(0);
  for (let i: usize = 0; i < vectors; i += 16) {
    const x = f32x4.mul(v128.load(values + i), factors);
    const outside = f32x4.gt(f32x4.abs(x), limits);
    beyond = v128.or(beyond, outside);
    v128.store(values + i, v128.bitselect(v128.or(limits, v128.and(x, signs)), x, outside));
  }
  let clamped: bool = v128.any_true(beyond);
  for (let i = vectors; i < bytes; i += 4) {
    const x = load<f32>(values + i) * factor;
    const isBeyond = abs(x) > limit;
    store<f32>(values + i, isBeyond ? (x > 0 ? limit : -limit) : x);
    clamped = clamped || isBeyond;
  }
  return clamped;
}

/** Whether every element is finite. */
export function areFinite(values: usize, count: usize): bool {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < vectors; i += 16) bad = v128.or(bad, markBad(v128.load(values + i)));
  for (let i = vectors; i < bytes; i += 4) bad = v128.or(bad, markBad(v128.load32_splat(values + i)));
  return !v128.any_true(bad);
}

// @ts-ignore: decorator
@inline
function mix(lanes: v128, words: v128): v128 {
  const x = i32x4.add(lanes, i32x4.mul(words, i32x4.splat(0x85ebca77)));
  return i32x4.mul(v128.or(i32x4.shl(x, 13), i32x4.shr_u(x, 19)), i32x4.splat(0x9e3779b1));
}

/**
 * Copies `count` floats, which may stay where they are, and mixes them into 16 lanes at `lanes`, which hold what they begin with. Returns the sum of squares of the first `squared`, as
 * `sumOfSquares`, or NaN where one of `count` is not finite.
 */
export function receive(from: usize, into: usize, count: usize, squared: usize, lanes: usize): f64 {
  let a = v128.load(lanes), b = v128.load(lanes, 16), c = v128.load(lanes, 32), d = v128.load(lanes, 48);
  const blocks = (count & ~15) * FLOAT_BYTES, squaredBlocks = (squared & ~15) * FLOAT_BYTES, bytes = count * FLOAT_BYTES;
  let bad = f32x4.splat(0), low = f64x2.splat(0), high = low;
  for (let i: usize = 0; i < blocks; i += 64) {
    const p = v128.load(from + i), q = v128.load(from + i, 16), r = v128.load(from + i, 32), s = v128.load(from + i, 48);
    if (into != from) {
      v128.store(into + i, p);
      v128.store(into + i, q, 16);
      v128.store(into + i, r, 32);
      v128.store(into + i, s, 48);
    }
    a = mix(a, p);
    b = mix(b, q);
    c = mix(c, r);
    d = mix(d, s);
    bad = v128.or(v128.or(bad, v128.or(markBad(p), markBad(q))), v128.or(markBad(r), markBad(s)));
    if (i >= squaredBlocks) continue;
    low = f64x2.add(f64x2.add(f64x2.add(f64x2.add(low, squaresLow(p)), squaresLow(q)), squaresLow(r)), squaresLow(s));
    high = f64x2.add(f64x2.add(f64x2.add(f64x2.add(high, squaresLow(upper(p))), squaresLow(upper(q))), squaresLow(upper(r))), squaresLow(upper(s)));
  }
  v128.store(lanes, a);
  v128.store(lanes, b, 16);
  v128.store(lanes, c, 32);
  v128.store(lanes, d, 48);
  for (let i = blocks; i < bytes; i += 4) {
    const lane = lanes + (i - blocks);
    store<i32>(lane, rotl<i32>(load<i32>(lane) + load<i32>(from + i) * 0x85ebca77, 13) * 0x9e3779b1);
    bad = v128.or(bad, markBad(v128.load32_splat(from + i)));
    store<i32>(into + i, load<i32>(from + i));
  }
  const squares = addSquares(into + squaredBlocks, squared & 15, low, high);
  return v128.any_true(bad) ? NaN : squares;
}

// A pass but that of plain descent takes two neighbouring floats a turn, as float64, and the last one of an odd count alone. What a turn does is a function that is compiled for either, since
// a turn that decides takes four times as long. A gradient at address 0 is zero; any other counts times `mean`, then times `clip`, rounded each time. A turn returns
// bits where it has written what is not finite, and none elsewhere.

// @ts-ignore: decorator
@inline
function take(at: usize, isPair: bool): v128 {
  return f64x2.promote_low_f32x4(isPair ? v128.load64_zero(at) : v128.load32_zero(at));
}

// @ts-ignore: decorator
@inline
function takeGradient(g: usize, mean: f32, clip: f32, i: usize, isPair: bool): v128 {
  if (!g) return f64x2.splat(0);
  const sums = isPair ? v128.load64_zero(g + i) : v128.load32_zero(g + i);
  return f64x2.promote_low_f32x4(f32x4.mul(f32x4.mul(sums, f32x4.splat(mean)), f32x4.splat(clip)));
}

/** Returns bits where a value is not finite, and none elsewhere. */
// @ts-ignore: decorator
@inline
function put(at: usize, values: v128, isPair: bool): v128 {
  const rounded = f32x4.demote_f64x2_zero(values);
  if (isPair) v128.store64_lane(at, rounded, 0);
  else v128.store32_lane(at, rounded, 0);
  return markBad(rounded);
}

/** `after = p - lr g`, in float32, and so in turns of four: memory is what it waits for. */
export function descendSgd(p: usize, g: usize, mean: f32, clip: f32, after: usize, count: usize, lr: f32): bool {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  const means = f32x4.splat(mean), clips = f32x4.splat(clip), rates = f32x4.splat(lr);
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < vectors; i += 16) {
    const next = f32x4.sub(v128.load(p + i), f32x4.mul(rates, f32x4.mul(f32x4.mul(v128.load(g + i), means), clips)));
    v128.store(after + i, next);
    bad = v128.or(bad, markBad(next));
  }
  for (let i = vectors; i < bytes; i += 4) {
    const next = load<f32>(p + i) - lr * (load<f32>(g + i) * mean * clip);
    store<f32>(after + i, next);
    bad = v128.or(bad, markBad(f32x4.splat(next)));
  }
  return !v128.any_true(bad);
}

// @ts-ignore: decorator
@inline
function decayedSgdTurn(p: usize, g: usize, mean: f32, clip: f32, after: usize, lr: f64, shrink: f64, i: usize, isPair: bool): v128 {
  const x = take(p + i, isPair);
  return put(after + i, decayed(f64x2.sub(x, f64x2.mul(f64x2.splat(lr), takeGradient(g, mean, clip, i, isPair))), x, shrink), isPair);
}

/** `after = p - lr g - shrink p` */
export function descendDecayedSgd(p: usize, g: usize, mean: f32, clip: f32, after: usize, count: usize, lr: f64, shrink: f64): bool {
  const pairs = (count & ~1) * FLOAT_BYTES;
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < pairs; i += 8) bad = v128.or(bad, decayedSgdTurn(p, g, mean, clip, after, lr, shrink, i, true));
  if (count & 1) bad = v128.or(bad, decayedSgdTurn(p, g, mean, clip, after, lr, shrink, pairs, false));
  return !v128.any_true(bad);
}

/** `y - shrink p` */
// @ts-ignore: decorator
@inline
function decayed(y: v128, p: v128, shrink: f64): v128 {
  return f64x2.sub(y, f64x2.mul(f64x2.splat(shrink), p));
}

/** `g + l2 p` */
// @ts-ignore: decorator
@inline
function coupled(g: v128, p: v128, l2: f64): v128 {
  return f64x2.add(g, f64x2.mul(f64x2.splat(l2), p));
}

/** `a x + b`, each product rounded */
// @ts-ignore: decorator
@inline
function scaledSum(a: f64, x: v128, b: v128): v128 {
  return f64x2.add(f64x2.mul(f64x2.splat(a), x), b);
}

// @ts-ignore: decorator
@inline
function momentumTurn(
  p: usize, velocity: usize, g: usize, mean: f32, clip: f32, after: usize, velocityAfter: usize, mu: f64, gain: f64, rate: f64, l2: f64, shrink: f64, i: usize, isPair: bool,
): v128 {
  const x = take(p + i, isPair);
  const d = coupled(takeGradient(g, mean, clip, i, isPair), x, l2);
  const v = scaledSum(mu, take(velocity + i, isPair), d);
  const bad = put(velocityAfter + i, v, isPair);
  return v128.or(bad, put(after + i, decayed(f64x2.sub(f64x2.sub(x, f64x2.mul(f64x2.splat(gain), d)), f64x2.mul(f64x2.splat(rate), v)), x, shrink), isPair));
}

/** `v' = mu v + g`, `after = p - gain g - rate v' - shrink p`, with `g <- g + l2 p`. */
export function descendMomentum(
  p: usize, velocity: usize, g: usize, mean: f32, clip: f32, after: usize, velocityAfter: usize, count: usize, mu: f64, gain: f64, rate: f64, l2: f64, shrink: f64,
): bool {
  const pairs = (count & ~1) * FLOAT_BYTES;
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < pairs; i += 8) bad = v128.or(bad, momentumTurn(p, velocity, g, mean, clip, after, velocityAfter, mu, gain, rate, l2, shrink, i, true));
  if (count & 1) bad = v128.or(bad, momentumTurn(p, velocity, g, mean, clip, after, velocityAfter, mu, gain, rate, l2, shrink, pairs, false));
  return !v128.any_true(bad);
}

/** `p - (rate d) / (sqrt(s) scale + epsilon) - shrink p` */
// @ts-ignore: decorator
@inline
function dividedByRoot(p: v128, d: v128, s: v128, rate: f64, scale: f64, epsilon: f64, shrink: f64): v128 {
  const divisor = f64x2.add(f64x2.mul(f64x2.sqrt(s), f64x2.splat(scale)), f64x2.splat(epsilon));
  return decayed(f64x2.sub(p, f64x2.div(f64x2.mul(f64x2.splat(rate), d), divisor)), p, shrink);
}

// @ts-ignore: decorator
@inline
function adagradTurn(
  p: usize, squares: usize, g: usize, mean: f32, clip: f32, after: usize, squaresAfter: usize, lr: f64, epsilon: f64, l2: f64, shrink: f64, i: usize, isPair: bool,
): v128 {
  const x = take(p + i, isPair);
  const d = coupled(takeGradient(g, mean, clip, i, isPair), x, l2);
  const s = f64x2.add(take(squares + i, isPair), f64x2.mul(d, d));
  const bad = put(squaresAfter + i, s, isPair);
  return v128.or(bad, put(after + i, dividedByRoot(x, d, s, lr, 1, epsilon, shrink), isPair));
}

/** `s' = s + g^2`, `after = p - lr g / (sqrt(s') + epsilon) - shrink p`, with `g <- g + l2 p`. */
export function descendAdagrad(
  p: usize, squares: usize, g: usize, mean: f32, clip: f32, after: usize, squaresAfter: usize, count: usize, lr: f64, epsilon: f64, l2: f64, shrink: f64,
): bool {
  const pairs = (count & ~1) * FLOAT_BYTES;
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < pairs; i += 8) bad = v128.or(bad, adagradTurn(p, squares, g, mean, clip, after, squaresAfter, lr, epsilon, l2, shrink, i, true));
  if (count & 1) bad = v128.or(bad, adagradTurn(p, squares, g, mean, clip, after, squaresAfter, lr, epsilon, l2, shrink, pairs, false));
  return !v128.any_true(bad);
}

/** `s' = alpha s + (1 - alpha) g^2` */
// @ts-ignore: decorator
@inline
function meanSquare(alpha: f64, s: v128, d: v128): v128 {
  return scaledSum(alpha, s, f64x2.mul(f64x2.mul(f64x2.splat(1 - alpha), d), d));
}

// @ts-ignore: decorator
@inline
function rmspropTurn(
  p: usize, squares: usize, g: usize, mean: f32, clip: f32, after: usize, squaresAfter: usize,
  lr: f64, alpha: f64, epsilon: f64, l2: f64, shrink: f64, i: usize, isPair: bool,
): v128 {
  const x = take(p + i, isPair);
  const d = coupled(takeGradient(g, mean, clip, i, isPair), x, l2);
  const s = meanSquare(alpha, take(squares + i, isPair), d);
  const bad = put(squaresAfter + i, s, isPair);
  return v128.or(bad, put(after + i, dividedByRoot(x, d, s, lr, 1, epsilon, shrink), isPair));
}

/** `s' = alpha s + (1 - alpha) g^2`, `after = p - lr g / (sqrt(s') + epsilon) - shrink p`, with `g <- g + l2 p`. */
export function descendRmsprop(
  p: usize, squares: usize, g: usize, mean: f32, clip: f32, after: usize, squaresAfter: usize, count: usize, lr: f64, alpha: f64, epsilon: f64, l2: f64, shrink: f64,
): bool {
  const pairs = (count & ~1) * FLOAT_BYTES;
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < pairs; i += 8) bad = v128.or(bad, rmspropTurn(p, squares, g, mean, clip, after, squaresAfter, lr, alpha, epsilon, l2, shrink, i, true));
  if (count & 1) bad = v128.or(bad, rmspropTurn(p, squares, g, mean, clip, after, squaresAfter, lr, alpha, epsilon, l2, shrink, pairs, false));
  return !v128.any_true(bad);
}

// @ts-ignore: decorator
@inline
function adamTurn(
  p: usize, first: usize, second: usize, g: usize, mean: f32, clip: f32, after: usize, firstAfter: usize, secondAfter: usize,
  beta1: f64, beta2: f64, rate: f64, scale: f64, epsilon: f64, l2: f64, shrink: f64, i: usize, isPair: bool,
): v128 {
  const x = take(p + i, isPair);
  const d = coupled(takeGradient(g, mean, clip, i, isPair), x, l2);
  const m = scaledSum(beta1, take(first + i, isPair), f64x2.mul(f64x2.splat(1 - beta1), d));
  const v = meanSquare(beta2, take(second + i, isPair), d);
  const bad = v128.or(put(firstAfter + i, m, isPair), put(secondAfter + i, v, isPair));
  return v128.or(bad, put(after + i, dividedByRoot(x, m, v, rate, scale, epsilon, shrink), isPair));
}

/**
 * `m' = beta1 m + (1 - beta1) g`, `v' = beta2 v + (1 - beta2) g^2`, `after = p - rate m' / (sqrt(v') scale + epsilon) - shrink p`, with
 * `g <- g + l2 p`.
 */
export function descendAdam(
  p: usize, first: usize, second: usize, g: usize, mean: f32, clip: f32, after: usize, firstAfter: usize, secondAfter: usize, count: usize,
  beta1: f64, beta2: f64, rate: f64, scale: f64, epsilon: f64, l2: f64, shrink: f64,
): bool {
  const pairs = (count & ~1) * FLOAT_BYTES;
  let bad = f32x4.splat(0);
  for (let i: usize = 0; i < pairs; i += 8) {
    bad = v128.or(bad, adamTurn(p, first, second, g, mean, clip, after, firstAfter, secondAfter, beta1, beta2, rate, scale, epsilon, l2, shrink, i, true));
  }
  if (count & 1) bad = v128.or(bad, adamTurn(p, first, second, g, mean, clip, after, firstAfter, secondAfter, beta1, beta2, rate, scale, epsilon, l2, shrink, pairs, false));
  return !v128.any_true(bad);
}

// @ts-ignore: decorator
@inline
function averageTurn(mean: usize, values: usize, parts: f64, i: usize, isPair: bool): void {
  const x = take(mean + i, isPair);
  put(mean + i, f64x2.add(x, f64x2.div(f64x2.sub(take(values + i, isPair), x), f64x2.splat(parts))), isPair);
}

/** `mean <- mean + (values - mean) / parts` */
export function averageArray(mean: usize, values: usize, count: usize, parts: f64): void {
  const pairs = (count & ~1) * FLOAT_BYTES;
  for (let i: usize = 0; i < pairs; i += 8) averageTurn(mean, values, parts, i, true);
  if (count & 1) averageTurn(mean, values, parts, pairs, false);
}
