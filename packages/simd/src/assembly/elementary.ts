import { multiplyAdd } from './fused';

// exp, log, tanh and the sigmoid on four float32 lanes, with an error in units in the last place of at most 2, 2, 3 and 3 over the whole range (measured in
// `kernels.test.ts`). The coefficients are Chebyshev fits of our own over the reduced ranges. NaN goes through every step: add and mul hand it
// on, and pmin and pmax, which are one instruction where min and max are many, keep their first operand where one is NaN. All are compiled into
// the loops that use them: AssemblyScript has `@inline` on functions, TypeScript has decorators on classes alone, so each has its `@ts-ignore`.

/** Below, exp rounds to zero; above, it overflows to infinity. */
const EXP_LEAST: f32 = -104;
const EXP_MOST: f32 = 89;
const LOG2_E: f32 = 1.4426950408889634;
// ln 2 in two parts: the first has so few bits that its product with a whole number up to 2^8 is exact.
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440054690583e-4;
/** 1.5 * 2^23: a sum with it is rounded to a whole number, which stands in its lowest bits. */
const ROUNDER: f32 = 12582912;
const MANTISSA_BITS: i32 = 23;
const EXPONENT_BIAS: i32 = 127;
/** Where the sign of an argument is known, `2^n = 2^(n +- FAR) 2^-+FAR`: the first factor is always in range, the second a constant. */
const FAR: i32 = 64;
const TWO_TO_FAR: f32 = 18446744073709551616.0;

/** `e^x = 2^n e^r` with `n` whole and `|r| <= ln 2 / 2`. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, f32x4.splat(EXP_LEAST)), f32x4.splat(EXP_MOST));
  const shifted = shiftedExponent(x);
  // Two factors, because 2^n alone leaves the range of float32 before the result does.
  const whole = i32x4.sub(shifted, f32x4.splat(ROUNDER));
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(expOfRest(x, shifted), powerOfTwo(half, 0)), powerOfTwo(i32x4.sub(whole, half), 0));
}

/** `exp4` of `x <= 0`, the same bits in fewer operations. */
// @ts-ignore: decorator
@inline
export function expDown4(x: v128): v128 {
  return expByConstant(f32x4.pmax(x, f32x4.splat(EXP_LEAST)), FAR, 1 / TWO_TO_FAR);
}

/** `exp4` of `x >= 0`, likewise. */
// @ts-ignore: decorator
@inline
function expUp4(x: v128): v128 {
  return expByConstant(f32x4.pmin(x, f32x4.splat(EXP_MOST)), -FAR, TWO_TO_FAR);
}

/** `e^x`, where `2^(n + more)` is in range and `rest` is `2^-more`. */
// @ts-ignore: decorator
@inline
function expByConstant(x: v128, more: i32, rest: f32): v128 {
  const shifted = shiftedExponent(x);
  return f32x4.mul(f32x4.mul(expOfRest(x, shifted), powerOfTwo(shifted, more)), f32x4.splat(rest));
}

/** `n` of `exp4`, plus ROUNDER: the whole number stands in the lowest bits. */
// @ts-ignore: decorator
@inline
function shiftedExponent(x: v128): v128 {
  return f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDER));
}

/** `e^r` of `exp4`. */
// @ts-ignore: decorator
@inline
function expOfRest(x: v128, shifted: v128): v128 {
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER));
  const r = multiplyAdd(n, f32x4.splat(-LN2_LOW), multiplyAdd(n, f32x4.splat(-LN2_HIGH), x));
  let p = f32x4.splat(0.00019891980628017336);
  p = multiplyAdd(p, r, f32x4.splat(0.0013934541493654251));
  p = multiplyAdd(p, r, f32x4.splat(0.00833331048488617));
  p = multiplyAdd(p, r, f32x4.splat(0.04166645556688309));
  p = multiplyAdd(p, r, f32x4.splat(0.1666666716337204));
  p = multiplyAdd(p, r, f32x4.splat(0.5));
  return f32x4.add(multiplyAdd(f32x4.mul(r, r), p, r), f32x4.splat(1));
}

/** `2^(n + more)` from the lowest bits of `n`. */
// @ts-ignore: decorator
@inline
function powerOfTwo(n: v128, more: i32): v128 {
  return i32x4.add(i32x4.shl(n, MANTISSA_BITS), i32x4.splat((EXPONENT_BIAS + more) << MANTISSA_BITS));
}

/** `tanh x`: a polynomial near zero, `1 - 2 / (e^(2 |x|) + 1)` beyond, with the sign of `x`. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const size = f32x4.abs(x);
  const one = f32x4.splat(1);
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(expUp4(f32x4.add(size, size)), one)));
  const z = f32x4.mul(size, size);
  let p = f32x4.splat(0.002292744815349579);
  p = multiplyAdd(p, z, f32x4.splat(-0.008343945257365704));
  p = multiplyAdd(p, z, f32x4.splat(0.02176891826093197));
  p = multiplyAdd(p, z, f32x4.splat(-0.053959257900714874));
  p = multiplyAdd(p, z, f32x4.splat(0.13333304226398468));
  p = multiplyAdd(p, z, f32x4.splat(-0.3333333432674408));
  const near = multiplyAdd(f32x4.mul(size, z), p, size);
  return v128.or(v128.bitselect(near, far, f32x4.lt(size, f32x4.splat(0.625))), sign);
}

/** `1 / (1 + e^-x)`, written with `e^-|x|`, which never overflows. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  const e = expDown4(f32x4.neg(f32x4.abs(x)));
  const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(numerator, f32x4.add(one, e));
}

const SQRT_HALF_BITS: i32 = 0x3f3504f3;
const LEAST_NORMAL: f32 = 1.17549435e-38;

/** `log x = n ln 2 + log(1 + f)` with `1 + f` in [sqrt 1/2, sqrt 2); -Infinity at zero, NaN below. */
export function log4(x: v128): v128 {
  // Denormals are brought into the range of the others: 2^23 times as large.
  const isSmall = f32x4.lt(x, f32x4.splat(LEAST_NORMAL));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, isSmall);
  const bits = i32x4.sub(scaled, i32x4.splat(SQRT_HALF_BITS));
  const exponent = i32x4.sub(i32x4.shr_s(bits, 23), v128.and(isSmall, i32x4.splat(23)));
  const n = f32x4.convert_i32x4_s(exponent);
  const mantissa = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(SQRT_HALF_BITS));
  const f = f32x4.sub(mantissa, f32x4.splat(1));
  const z = f32x4.mul(f, f);
  let p = f32x4.splat(0.07149753719568253);
  p = multiplyAdd(p, f, f32x4.splat(-0.115712009370327));
  p = multiplyAdd(p, f, f32x4.splat(0.11661510914564133));
  p = multiplyAdd(p, f, f32x4.splat(-0.12411050498485565));
  p = multiplyAdd(p, f, f32x4.splat(0.14249937236309052));
  p = multiplyAdd(p, f, f32x4.splat(-0.1666848063468933));
  p = multiplyAdd(p, f, f32x4.splat(0.20000708103179932));
  p = multiplyAdd(p, f, f32x4.splat(-0.24999989569187164));
  p = multiplyAdd(p, f, f32x4.splat(0.3333333134651184));
  const tail = multiplyAdd(n, f32x4.splat(LN2_LOW), multiplyAdd(z, f32x4.splat(-0.5), f32x4.mul(f, f32x4.mul(z, p))));
  const finite = f32x4.add(f32x4.mul(n, f32x4.splat(LN2_HIGH)), f32x4.add(f, tail));
  // What is not finite and positive: +Infinity and NaN stay, zero gives -Infinity, the rest NaN.
  const isOrdinary = v128.and(f32x4.gt(x, f32x4.splat(0)), f32x4.lt(x, f32x4.splat(Infinity)));
  const ofZero = v128.bitselect(f32x4.splat(-Infinity), f32x4.splat(NaN), f32x4.eq(x, f32x4.splat(0)));
  const odd = v128.bitselect(x, ofZero, v128.or(f32x4.eq(x, f32x4.splat(Infinity)), f32x4.ne(x, x)));
  return v128.bitselect(finite, odd, isOrdinary);
}
