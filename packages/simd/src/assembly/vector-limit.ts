import { multiplyAdd } from './fused';

/**
 * `turns` times eight `multiplyAdd`, on registers alone and each waiting for nothing but itself a turn before: as many operations as this machine can do on vectors of four
 * floats. Returns the sum of the results: 272 + 408 `turns` as long as that is exact.
 */
export function multiplyAddVectors(turns: i32): f32 {
  const a0 = f32x4(1, 2, 3, 4), a1 = f32x4(5, 6, 7, 8), a2 = f32x4(9, 10, 11, 12), a3 = f32x4(13, 14, 15, 16);
  let b0 = f32x4.splat(1), b1 = f32x4.splat(2);
  let c00 = a0, c01 = a1, c10 = a2, c11 = a3, c20 = a0, c21 = a1, c30 = a2, c31 = a3;
  for (; turns > 0; turns -= 1) {
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    // Else the products would be the same in every turn, and computed once.
    const swapped = b0;
    b0 = b1;
    b1 = swapped;
  }
  const sum = f32x4.add(f32x4.add(f32x4.add(c00, c01), f32x4.add(c10, c11)), f32x4.add(f32x4.add(c20, c21), f32x4.add(c30, c31)));
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3);
}
