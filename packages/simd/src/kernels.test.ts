import { BpttError } from '@bptt/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Arena } from './arena.js';
import { KernelMemory } from './kernel-memory.js';
import { instantiateKernels, readModule, SIMD_BUILDS, type Kernels } from './kernels.js';

const memory = KernelMemory.create(64 << 20);
const arena = new Arena(memory);

type UnaryKernel = 'exp' | 'log' | 'tanh' | 'sigmoid' | 'relu';

let kernels: Kernels;

function apply(kernel: UnaryKernel, x: Float32Array): Float32Array {
  const mark = arena.mark();
  const from = arena.allocate(x.byteLength);
  const to = arena.allocate(x.byteLength);
  memory.floats(from, x.length).set(x);
  kernels[kernel](from, to, x.length);
  const result = memory.floats(to, x.length).slice();
  arena.release(mark);
  return result;
}

/** Finite float32 values of both signs, evenly spaced over the bit patterns: every binade, denormals included. */
function everyBinade(step: number): Float32Array {
  const bits: number[] = [];
  for (let b = 0; b < 0x7f800000; b += step) bits.push(b, b + 0x80000000);
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/** Distance between float32 neighbours at `x`. */
function ulp(x: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(x) || 1e-300)));
  return 2 ** (exponent - 23);
}

function worstUlps(kernel: UnaryKernel, x: Float32Array, truth: (x: number) => number): number {
  let worst = 0;
  apply(kernel, x).forEach((got, i) => {
    const want = truth(x[i]);
    const rounded = Math.fround(want);
    if (got === rounded || (Number.isNaN(got) && Number.isNaN(rounded))) return;
    const error = Math.abs(got - want) / ulp(want);
    worst = Number.isNaN(error) ? Infinity : Math.max(worst, error);
  });
  return worst;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

describe.each(SIMD_BUILDS)('elementary kernels of %s', (build) => {
  beforeAll(() => { kernels = instantiateKernels(memory, build); });

  const anywhere = everyBinade(0x3fff);
  const central = Float32Array.from({ length: 100_000 }, (_, i) => (i / 50_000 - 1) * 104);
  const nearZero = central.map((x) => x / 100);

  it.each([['exp', Math.exp, 2], ['log', Math.log, 2], ['tanh', Math.tanh, 3], ['sigmoid', sigmoid, 3]] as const)('%s is within a few units in the last place over all binades', (kernel, truth, bound) => {
    for (const x of [anywhere, central, nearZero]) expect(worstUlps(kernel, x, truth)).toBeLessThanOrEqual(bound);
  });

  it('hand on NaN and go to their limits at infinity', () => {
    const x = Float32Array.of(NaN, Infinity, -Infinity, 3.4e38, -3.4e38);
    expect([...apply('exp', x)]).toEqual([NaN, Infinity, 0, Infinity, 0]);
    expect([...apply('log', x)]).toEqual([NaN, Infinity, NaN, Math.fround(Math.log(Math.fround(3.4e38))), NaN]);
    expect([...apply('log', Float32Array.of(0, -0, 1, -1e-45, 1e-45))]).toEqual([-Infinity, -Infinity, 0, NaN, Math.fround(Math.log(Math.fround(1e-45)))]);
    expect([...apply('tanh', x)]).toEqual([NaN, 1, -1, 1, -1]);
    expect([...apply('sigmoid', x)]).toEqual([NaN, 1, 0, 1, 0]);
    expect([...apply('relu', x)]).toEqual([NaN, Infinity, 0, Math.fround(3.4e38), 0]);
  });

  it('keep the sign of zero in tanh and give exact values at zero', () => {
    const zeros = Float32Array.of(0, -0);
    expect([...apply('tanh', zeros)]).toEqual([0, -0]);
    expect([...apply('exp', zeros)]).toEqual([1, 1]);
    expect([...apply('sigmoid', zeros)]).toEqual([0.5, 0.5]);
    expect([...apply('relu', zeros)]).toEqual([0, 0]);
  });

  it('have the bits of exp in the softmax, denormals, infinity and NaN included', () => {
    const x = Float32Array.of(0, -0, -87.5, -103.9, -104.1, -3.4e38, -Infinity, NaN, ...central.filter((value) => value < 0));
    const words = x.length / 4;
    const [logits, maxima, partial, sums] = [x.byteLength, 16, 16, 32].map((bytes) => arena.allocate(bytes));
    memory.floats(logits, x.length).set(x);
    memory.floats(maxima, 4).fill(0);
    kernels.exponentials(logits, words, 4, maxima, partial, sums);
    expect(memory.floats(logits, x.length)).toEqual(apply('exp', x));
  });

  it('have the bits of exp in tanh and the sigmoid', () => {
    const far = anywhere.filter((value) => value >= 0.625);
    const exp = apply('exp', far.map((value) => 2 * value));
    expect(apply('tanh', far)).toEqual(exp.map((e) => Math.fround(1 - Math.fround(2 / Math.fround(e + 1)))));
    const below = anywhere.filter((value) => value < 0);
    expect(apply('sigmoid', below)).toEqual(apply('exp', below).map((e) => Math.fround(e / Math.fround(1 + e))));
  });

  it('never leave [-1, 1] in tanh or [0, 1] in the sigmoid', () => {
    expect(apply('tanh', anywhere).every((y) => Math.abs(y) <= 1)).toBe(true);
    expect(apply('sigmoid', anywhere).every((y) => y >= 0 && y <= 1)).toBe(true);
  });
});

describe('kernels on memory', () => {
  beforeAll(() => { kernels = instantiateKernels(memory, 'simd'); });

  /** `rows` x `columns` floats, and room of a vector behind. */
  const matrix = (rows: number, columns: number): { address: number; values: Float32Array } => {
    const address = arena.allocate(rows * columns * 4 + 16);
    const values = memory.floats(address, rows * columns);
    values.forEach((_, i) => { values[i] = Math.fround(Math.sin(i + 1)); });
    return { address, values };
  };

  it('zero and copy the bytes named and no others', () => {
    const [from, to] = [arena.allocate(32), arena.allocate(32)];
    memory.floats(from, 8).set([1, 2, 3, 4, 5, 6, 7, 8]);
    memory.floats(to, 8).fill(9);
    kernels.copy(from + 4, 20, to + 8);
    expect([...memory.floats(to, 8)]).toEqual([9, 9, 2, 3, 4, 5, 6, 9]);
    kernels.zero(to + 4, 12);
    expect([...memory.floats(to, 8)]).toEqual([9, 0, 0, 0, 4, 5, 6, 9]);
  });

  it.each([1, 4, 15, 16, 17, 33, 64, 70])('sum rows of %i columns in float64, in ascending order', (columns) => {
    const rows = 37;
    const a = matrix(rows, columns);
    const out = arena.allocate(columns * 4 + 16);
    memory.floats(out, columns).fill(0.5);
    kernels.addSumOfRows(a.address, rows, columns, columns * 4, out, arena.allocate(columns * 8 + 32));
    const want = Float32Array.from({ length: columns }, (_, x) => {
      let sum = 0;
      for (let y = 0; y < rows; y += 1) sum += a.values[y * columns + x];
      return Math.fround(0.5 + Math.fround(sum));
    });
    expect(memory.floats(out, columns)).toEqual(want);
  });

  it.each([[1, 1], [3, 5], [4, 16], [7, 17], [20, 36], [5, 70]])('transpose %i rows of %i columns', (rows, columns) => {
    const a = matrix(rows, columns);
    const out = arena.allocate(rows * columns * 4);
    kernels.transpose(a.address, columns * 4, rows, columns, out);
    const want = Float32Array.from({ length: rows * columns }, (_, i) => a.values[(i % rows) * columns + Math.floor(i / rows)]);
    expect(memory.floats(out, rows * columns)).toEqual(want);
  });
});

describe('kernels', () => {
  it('say how to build them when the file is missing', () => {
    const missing = new URL('./no-such.wasm', import.meta.url);
    expect(() => readModule(missing)).toThrow(BpttError);
    expect(() => readModule(missing)).toThrow(/no-such\.wasm, got no readable file; build them with: npm run assemble/);
  });
});

describe('kernels of both builds', () => {
  it('have the same constants at the same places, so that threads of either build can share a memory', () => {
    const constants = SIMD_BUILDS.map((build) => {
      const own = KernelMemory.create(16 << 20);
      const end = instantiateKernels(own, build).constantsEnd();
      // What lies below is the count of what is taken.
      return own.bytes(64, end - 64).slice();
    });
    expect(constants[0].some((byte) => byte !== 0)).toBe(true);
    expect(constants[1]).toEqual(constants[0]);
  });
});
