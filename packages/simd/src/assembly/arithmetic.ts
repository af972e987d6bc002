import { FLOAT_BYTES } from './packing';

// What adding gradients and making a step consist of, with the bits of core's plain loops: float64 within, rounded where stored, in the same order.
// Arrays are `count` floats anywhere in memory, with neighbours: nothing is read or written past the end.

const EXPONENT: i32 = 0x7f800000;

// @ts-ignore: decorator
@inline
function wholeBytes(count: usize): usize {
  return (count & ~3) * FLOAT_BYTES;
}

/** `sum = left + right` */
export function addArrays(left: usize, right: usize, sum: usize, count: usize): void {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  for (let i: usize = 0; i < vectors; i += 16) v128.store(sum + i, f32x4.add(v128.load(left + i), v128.load(right + i)));
  for (let i = vectors; i < bytes; i += 4) store<f32>(sum + i, load<f32>(left + i) + load<f32>(right + i));
}

/** `values = factor values` */
export function scaleArray(values: usize, factor: f32, count: usize): void {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  const factors = f32x4.splat(factor);
  for (let i: usize = 0; i < vectors; i += 16) v128.store(values + i, f32x4.mul(v128.load(values + i), factors));
  for (let i = vectors; i < bytes; i += 4) store<f32>(values + i, load<f32>(values + i) * factor);
}

/** Sum of squares in float64 over four interleaved lanes. */
export function sumOfSquares(values: usize, count: usize): f64 {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  let low = f64x2.splat(0), high = low;
  for (let i: usize = 0; i < vectors; i += 16) {
    const x = v128.load(values + i);
    const a = f64x2.promote_low_f32x4(x), b = f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  let s0 = f64x2.extract_lane(low, 0), s1 = f64x2.extract_lane(low, 1), s2 = f64x2.extract_lane(high, 0);
  const s3 = f64x2.extract_lane(high, 1);
  const rest = bytes - vectors;
  if (rest > 0) s0 += square(values + vectors);
  if (rest > 4) s1 += square(values + vectors + 4);
  if (rest > 8) s2 += square(values + vectors + 8);
  return s0 + s1 + (s2 + s3);
}

// @ts-ignore: decorator
@inline
function square(at: usize): f64 {
  const x = f64(load<f32>(at));
  return x * x;
}

/** Every element to `[-limit, limit]`; whether one was beyond. */
export function clampArray(values: usize, limit: f32, count: usize): bool {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  const limits = f32x4.splat(limit), signs = i32x4.splat(0x80000000);
  let beyond = i32x4.splat(0);
  for (let i: usize = 0; i < vectors; i += 16) {
    const x = v128.load(values + i);
    const outside = f32x4.gt(f32x4.abs(x), limits);
    beyond = v128.or(beyond, outside);
    v128.store(values + i, v128.bitselect(v128.or(limits, v128.and(x, signs)), x, outside));
  }
  let clamped: bool = v128.any_true(beyond);
  for (let i = vectors; i < bytes; i += 4) {
    const x = load<f32>(values + i);
    if (!(abs(x) > limit)) continue;
    store<f32>(values + i, x > 0 ? limit : -limit);
    clamped = true;
  }
  return clamped;
}

/** Whether every element is finite. */
export function areFinite(values: usize, count: usize): bool {
  const vectors = wholeBytes(count), bytes = count * FLOAT_BYTES;
  const exponents = i32x4.splat(EXPONENT);
  let bad = i32x4.splat(0);
  for (let i: usize = 0; i < vectors; i += 16) bad = v128.or(bad, i32x4.eq(v128.and(v128.load(values + i), exponents), exponents));
  if (v128.any_true(bad)) return false;
  for (let i = vectors; i < bytes; i += 4) if ((load<i32>(values + i) & EXPONENT) == EXPONENT) return false;
  return true;
}

// Two neighbouring floats as float64, from a gradient that is zero where its address is 0.

// @ts-ignore: decorator
@inline
function pair(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

// @ts-ignore: decorator
@inline
function gradientPair(g: usize, i: usize): v128 {
  return g ? pair(g + i) : f64x2.splat(0);
}

// @ts-ignore: decorator
@inline
function storePair(at: usize, values: v128): void {
  v128.store64_lane(at, f32x4.demote_f64x2_zero(values), 0);
}

// One float as the low half of a pair: the last of an odd count.

// @ts-ignore: decorator
@inline
function single(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load32_zero(at));
}

// @ts-ignore: decorator
@inline
function gradientSingle(g: usize, i: usize): v128 {
  return g ? single(g + i) : f64x2.splat(0);
}

// @ts-ignore: decorator
@inline
function storeSingle(at: usize, values: v128): void {
  v128.store32_lane(at, f32x4.demote_f64x2_zero(values), 0);
}

// @ts-ignore: decorator
@inline
function sgd(p: v128, g: v128, lr: v128): v128 {
  return f64x2.sub(p, f64x2.mul(lr, g));
}

/** `after = p - lr g` */
export function descendSgd(p: usize, g: usize, after: usize, count: usize, lr: f64): void {
  const rate = f64x2.splat(lr), pairs = (count & ~1) * FLOAT_BYTES;
  for (let i: usize = 0; i < pairs; i += 8) storePair(after + i, sgd(pair(p + i), pair(g + i), rate));
  if (count & 1) storeSingle(after + pairs, sgd(single(p + pairs), single(g + pairs), rate));
}

// @ts-ignore: decorator
@inline
function decayedSgd(p: v128, g: v128, lr: v128, shrink: v128): v128 {
  return f64x2.sub(f64x2.sub(p, f64x2.mul(lr, g)), f64x2.mul(shrink, p));
}

/** `after = p - lr g - shrink p` */
export function descendDecayedSgd(p: usize, g: usize, after: usize, count: usize, lr: f64, shrink: f64): void {
  const rate = f64x2.splat(lr), decay = f64x2.splat(shrink), pairs = (count & ~1) * FLOAT_BYTES;
  for (let i: usize = 0; i < pairs; i += 8) storePair(after + i, decayedSgd(pair(p + i), gradientPair(g, i), rate, decay));
  if (count & 1) storeSingle(after + pairs, decayedSgd(single(p + pairs), gradientSingle(g, pairs), rate, decay));
}

// @ts-ignore: decorator
@inline
function coupled(g: v128, p: v128, l2: f64): v128 {
  return f64x2.add(g, f64x2.mul(f64x2.splat(l2), p));
}

/** `v' = mu v + g`, `after = p - gain g - rate v' - shrink p`, with `g <- g + l2 p`. */
export function descendMomentum(
  p: usize, velocity: usize, g: usize, after: usize, velocityAfter: usize, count: usize, mu: f64, gain: f64, rate: f64, l2: f64, shrink: f64,
): void {
  const bytes = count * FLOAT_BYTES, pairs = (count & ~1) * FLOAT_BYTES;
  for (let i: usize = 0; i < bytes; i += 8) {
    const whole = i < pairs;
    const x = whole ? pair(p + i) : single(p + i);
    const d = coupled(whole ? gradientPair(g, i) : gradientSingle(g, i), x, l2);
    const v = f64x2.add(f64x2.mul(f64x2.splat(mu), whole ? pair(velocity + i) : single(velocity + i)), d);
    const y = f64x2.sub(f64x2.sub(f64x2.sub(x, f64x2.mul(f64x2.splat(gain), d)), f64x2.mul(f64x2.splat(rate), v)), f64x2.mul(f64x2.splat(shrink), x));
    if (whole) { storePair(velocityAfter + i, v); storePair(after + i, y); } else { storeSingle(velocityAfter + i, v); storeSingle(after + i, y); }
  }
}

/** `p - (lr d) / (sqrt(s) + epsilon) - shrink p` */
// @ts-ignore: decorator
@inline
function dividedByRoot(p: v128, d: v128, s: v128, lr: f64, epsilon: f64, shrink: f64): v128 {
  const step = f64x2.div(f64x2.mul(f64x2.splat(lr), d), f64x2.add(f64x2.sqrt(s), f64x2.splat(epsilon)));
  return f64x2.sub(f64x2.sub(p, step), f64x2.mul(f64x2.splat(shrink), p));
}

/** `s' = s + g^2`, `after = p - lr g / (sqrt(s') + epsilon) - shrink p`, with `g <- g + l2 p`. */
export function descendAdagrad(
  p: usize, squares: usize, g: usize, after: usize, squaresAfter: usize, count: usize, lr: f64, epsilon: f64, l2: f64, shrink: f64,
): void {
  const bytes = count * FLOAT_BYTES, pairs = (count & ~1) * FLOAT_BYTES;
  for (let i: usize = 0; i < bytes; i += 8) {
    const whole = i < pairs;
    const x = whole ? pair(p + i) : single(p + i);
    const d = coupled(whole ? gradientPair(g, i) : gradientSingle(g, i), x, l2);
    const s = f64x2.add(whole ? pair(squares + i) : single(squares + i), f64x2.mul(d, d));
    const y = dividedByRoot(x, d, s, lr, epsilon, shrink);
    if (whole) { storePair(squaresAfter + i, s); storePair(after + i, y); } else { storeSingle(squaresAfter + i, s); storeSingle(after + i, y); }
  }
}

/** `s' = alpha s + (1 - alpha) g^2`, `after = p - lr g / (sqrt(s') + epsilon) - shrink p`, with `g <- g + l2 p`. */
export function descendRmsprop(
  p: usize, squares: usize, g: usize, after: usize, squaresAfter: usize, count: usize, lr: f64, alpha: f64, epsilon: f64, l2: f64, shrink: f64,
): void {
  const bytes = count * FLOAT_BYTES, pairs = (count & ~1) * FLOAT_BYTES;
  for (let i: usize = 0; i < bytes; i += 8) {
    const whole = i < pairs;
    const x = whole ? pair(p + i) : single(p + i);
    const d = coupled(whole ? gradientPair(g, i) : gradientSingle(g, i), x, l2);
    const old = f64x2.mul(f64x2.splat(alpha), whole ? pair(squares + i) : single(squares + i));
    const s = f64x2.add(old, f64x2.mul(f64x2.mul(f64x2.splat(1 - alpha), d), d));
    const y = dividedByRoot(x, d, s, lr, epsilon, shrink);
    if (whole) { storePair(squaresAfter + i, s); storePair(after + i, y); } else { storeSingle(squaresAfter + i, s); storeSingle(after + i, y); }
  }
}

/**
 * `m' = beta1 m + (1 - beta1) g`, `v' = beta2 v + (1 - beta2) g^2`, `after = p - rate m' / (sqrt(v') scale + epsilon) - shrink p`, with
 * `g <- g + l2 p`.
 */
export function descendAdam(
  p: usize, first: usize, second: usize, g: usize, after: usize, firstAfter: usize, secondAfter: usize, count: usize,
  beta1: f64, beta2: f64, rate: f64, scale: f64, epsilon: f64, l2: f64, shrink: f64,
): void {
  const bytes = count * FLOAT_BYTES, pairs = (count & ~1) * FLOAT_BYTES;
  for (let i: usize = 0; i < bytes; i += 8) {
    const whole = i < pairs;
    const x = whole ? pair(p + i) : single(p + i);
    const d = coupled(whole ? gradientPair(g, i) : gradientSingle(g, i), x, l2);
    const m = f64x2.add(f64x2.mul(f64x2.splat(beta1), whole ? pair(first + i) : single(first + i)), f64x2.mul(f64x2.splat(1 - beta1), d));
    const fresh = f64x2.mul(f64x2.mul(f64x2.splat(1 - beta2), d), d);
    const v = f64x2.add(f64x2.mul(f64x2.splat(beta2), whole ? pair(second + i) : single(second + i)), fresh);
    const divisor = f64x2.add(f64x2.mul(f64x2.sqrt(v), f64x2.splat(scale)), f64x2.splat(epsilon));
    const y = f64x2.sub(f64x2.sub(x, f64x2.div(f64x2.mul(f64x2.splat(rate), m), divisor)), f64x2.mul(f64x2.splat(shrink), x));
    if (whole) { storePair(firstAfter + i, m); storePair(secondAfter + i, v); storePair(after + i, y); }
    else { storeSingle(firstAfter + i, m); storeSingle(secondAfter + i, v); storeSingle(after + i, y); }
  }
}
