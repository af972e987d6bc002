/**
 * `a b + c`. In the build `simd-relaxed` it is rounded once, where the machine has such an instruction; in `simd` the product is rounded too, so that
 * its bits are the same on every machine.
 */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.relaxed_madd<f32>(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** Whether `multiplyAdd` rounds once: with `a = 1 + 2^-12`, the last bit of `a^2 = 1 + 2^-11 + 2^-24` survives only until a product is rounded. */
export function isFused(): bool {
  const a = f32x4.splat(1 + 1.0 / 4096);
  const rest = multiplyAdd(a, a, f32x4.splat(-(1 + 1.0 / 2048)));
  return f32x4.extract_lane(rest, 0) != 0;
}
