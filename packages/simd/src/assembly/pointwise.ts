import { exp4, log4, sigmoid4, tanh4 } from './elementary';

// Functions of `count` floats, four at a time. The last vector may reach up to 12 bytes past the end: memory of the caller is
// allocated in whole vectors, and what lies there is never read as a value. Of what takes many operations, each waiting for the one before, four vectors
// are computed in a turn: then the processor has others to do while one waits.

const VECTOR_BYTES: usize = 16;
/** Behind the first of the vectors of a turn. */
const SECOND: usize = VECTOR_BYTES;
const THIRD: usize = 2 * VECTOR_BYTES;
const FOURTH: usize = 3 * VECTOR_BYTES;
const TURN_BYTES: usize = 4 * VECTOR_BYTES;

/** `out = e^x` */
export function exp(x: usize, out: usize, count: usize): void {
  const end = x + count * 4;
  for (; x + FOURTH < end; x += TURN_BYTES, out += TURN_BYTES) {
    const v0 = exp4(v128.load(x)), v1 = exp4(v128.load(x, SECOND)), v2 = exp4(v128.load(x, THIRD)), v3 = exp4(v128.load(x, FOURTH));
    v128.store(out, v0);
    v128.store(out, v1, SECOND);
    v128.store(out, v2, THIRD);
    v128.store(out, v3, FOURTH);
  }
  for (; x < end; x += VECTOR_BYTES, out += VECTOR_BYTES) v128.store(out, exp4(v128.load(x)));
}

/** `out = log x` */
export function log(x: usize, out: usize, count: usize): void {
  for (const end = x + count * 4; x < end; x += 16, out += 16) v128.store(out, log4(v128.load(x)));
}

/** `y = tanh x` */
export function tanh(x: usize, y: usize, count: usize): void {
  const end = x + count * 4;
  for (; x + FOURTH < end; x += TURN_BYTES, y += TURN_BYTES) {
    const v0 = tanh4(v128.load(x)), v1 = tanh4(v128.load(x, SECOND)), v2 = tanh4(v128.load(x, THIRD)), v3 = tanh4(v128.load(x, FOURTH));
    v128.store(y, v0);
    v128.store(y, v1, SECOND);
    v128.store(y, v2, THIRD);
    v128.store(y, v3, FOURTH);
  }
  for (; x < end; x += VECTOR_BYTES, y += VECTOR_BYTES) v128.store(y, tanh4(v128.load(x)));
}

/** `dX = dY (1 - y^2)`, assigned */
export function tanhBackward(y: usize, dY: usize, dX: usize, count: usize): void {
  const one = f32x4.splat(1);
  for (const end = y + count * 4; y < end; y += 16, dY += 16, dX += 16) {
    const v = v128.load(y);
    v128.store(dX, f32x4.mul(v128.load(dY), f32x4.mul(f32x4.sub(one, v), f32x4.add(one, v))));
  }
}

/** `y = max(x, 0)` */
export function relu(x: usize, y: usize, count: usize): void {
  const zero = f32x4.splat(0);
  for (const end = x + count * 4; x < end; x += 16, y += 16) v128.store(y, f32x4.max(v128.load(x), zero));
}

/** `dX = dY` where `y > 0`, else 0, assigned; a NaN in `y` counts as active, so that it is not hidden. */
export function reluBackward(y: usize, dY: usize, dX: usize, count: usize): void {
  const zero = f32x4.splat(0);
  for (const end = y + count * 4; y < end; y += 16, dY += 16, dX += 16) {
    v128.store(dX, v128.andnot(v128.load(dY), f32x4.le(v128.load(y), zero)));
  }
}

/** `y = 1 / (1 + e^-x)` */
export function sigmoid(x: usize, y: usize, count: usize): void {
  const end = x + count * 4;
  for (; x + FOURTH < end; x += TURN_BYTES, y += TURN_BYTES) {
    const v0 = sigmoid4(v128.load(x)), v1 = sigmoid4(v128.load(x, SECOND)), v2 = sigmoid4(v128.load(x, THIRD)), v3 = sigmoid4(v128.load(x, FOURTH));
    v128.store(y, v0);
    v128.store(y, v1, SECOND);
    v128.store(y, v2, THIRD);
    v128.store(y, v3, FOURTH);
  }
  for (; x < end; x += VECTOR_BYTES, y += VECTOR_BYTES) v128.store(y, sigmoid4(v128.load(x)));
}

/** `dX = dY y (1 - y)`, assigned */
export function sigmoidBackward(y: usize, dY: usize, dX: usize, count: usize): void {
  const one = f32x4.splat(1);
  for (const end = y + count * 4; y < end; y += 16, dY += 16, dX += 16) {
    const v = v128.load(y);
    v128.store(dX, f32x4.mul(v128.load(dY), f32x4.mul(v, f32x4.sub(one, v))));
  }
}

/** `out = a + b`; `out` must not be followed by values that are needed, as its last vector may be written past the end. */
export function add(a: usize, b: usize, out: usize, count: usize): void {
  for (const end = a + count * 4; a < end; a += 16, b += 16, out += 16) v128.store(out, f32x4.add(v128.load(a), v128.load(b)));
}

/** `out = a - b` */
export function subtract(a: usize, b: usize, out: usize, count: usize): void {
  for (const end = a + count * 4; a < end; a += 16, b += 16, out += 16) v128.store(out, f32x4.sub(v128.load(a), v128.load(b)));
}

/** `out = a b`, element by element */
export function multiply(a: usize, b: usize, out: usize, count: usize): void {
  for (const end = a + count * 4; a < end; a += 16, b += 16, out += 16) v128.store(out, f32x4.mul(v128.load(a), v128.load(b)));
}

/** `out = a` times the one float at `factor` */
export function scale(a: usize, factor: usize, out: usize, count: usize): void {
  const by = v128.load32_splat(factor);
  for (const end = a + count * 4; a < end; a += 16, out += 16) v128.store(out, f32x4.mul(v128.load(a), by));
}
