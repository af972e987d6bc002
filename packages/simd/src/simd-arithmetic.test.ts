import {
  addGradients, clipGradient, createOptimizer, isFiniteGradient, layOut, optimizerConfig, OPTIMIZERS, plainArithmetic, sumOfSquares,
  UNSCALED, type Arithmetic, type Gradient, type Received,
} from '@bptt/core';
import { randomValues } from '@bptt/core/testing';
import { describe, expect, it } from 'vitest';
import { KernelMemory } from './kernel-memory.js';
import { simdArithmetic } from './simd-arithmetic.js';

const memory = KernelMemory.create(64 << 20);
const arithmetic = simdArithmetic(memory);

/** The same values in the memory of the kernels. */
function inMemory(values: ArrayLike<number>): Float32Array {
  const copy = memory.allocateFloats(values.length);
  copy.set(values);
  return copy;
}

const bits = (values: Float32Array): Uint32Array => Uint32Array.from(new Uint32Array(values.slice().buffer));
const random = (length: number, seed: number, scale = 1): Float32Array => Float32Array.from(randomValues(length, seed, scale));

/** Values of very different sizes, zeros of both signs among them. */
function wild(length: number, seed: number): Float32Array {
  return random(length, seed).map((value, i) => (i % 11 === 3 ? -0 : value * 10 ** ((i % 13) - 6)));
}

/** A model with a dense tensor, a row-sparse one, and an odd number of everything. */
const layout = layOut([{ name: 'w', shape: [5, 7] }, { name: 'encoder.weight', shape: [9, 3], rowSparse: true }, { name: 'b', shape: [1] }]);

function gradient(seed: number, rows: readonly number[], place: (values: Float32Array) => Float32Array): Gradient {
  return { dense: place(wild(36, seed)), sparse: [{ rows: Uint32Array.from(rows), values: place(wild(3 * rows.length, seed + 1)) }] };
}

/** What is found in `values` on the way to new memory, where they are the same. */
function receive(using: Arithmetic, place: (values: Float32Array) => Float32Array, values: Float32Array, squared: number): Received | undefined {
  const into = place(new Float32Array(values.length));
  const received = using.receive(place(values), into, squared);
  expect(bits(into)).toEqual(bits(values));
  return received;
}

describe('simdArithmetic gives the bits of the plain loops', () => {
  const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 1001];

  it('in sums, factors, sums of squares and limits, for every ragged length', () => {
    for (const length of lengths) {
      const [a, b] = [wild(length, 1), wild(length, 2)];
      const [ours, plain] = [inMemory(a), a.slice()];
      const [sum, plainSum] = [memory.allocateFloats(length), new Float32Array(length)];
      expect(arithmetic.add(ours, inMemory(b), sum)).toBe(true);
      plainArithmetic.add(plain, b, plainSum);
      expect(bits(sum)).toEqual(bits(plainSum));
      expect(arithmetic.sumOfSquares(ours)).toBe(plainArithmetic.sumOfSquares(plain));
      for (const { factor, limit } of [{ factor: 0.3, limit: 0.01 }, { factor: 1, limit: 1e9 }].map((pair) => ({ factor: Math.fround(pair.factor), limit: Math.fround(pair.limit) }))) {
        expect(arithmetic.clamp(ours, factor, limit)).toBe(plainArithmetic.clamp(plain, factor, limit));
        expect(bits(ours)).toEqual(bits(plain));
      }
    }
  });

  it('in means of iterates, for every ragged length', () => {
    for (const length of lengths) {
      const [ours, plain] = [inMemory(wild(length, 1)), wild(length, 1)];
      for (const count of [2, 3, 17]) {
        arithmetic.average(ours, inMemory(wild(length, count)), count);
        plainArithmetic.average(plain, wild(length, count), count);
        expect(bits(ours)).toEqual(bits(plain));
      }
    }
  });

  it('in what is finite, wherever the other one stands', () => {
    for (const length of lengths) {
      expect(arithmetic.areFinite(inMemory(wild(length, 1)))).toBe(true);
      for (let place = Math.max(0, length - 9); place < length; place += 1) {
        for (const bad of [NaN, Infinity, -Infinity]) {
          const values = wild(length, 1);
          values[place] = bad;
          expect(arithmetic.areFinite(inMemory(values))).toBe(false);
          expect(receive(arithmetic, inMemory, values, place)).toBeUndefined();
          expect(receive(plainArithmetic, (same) => same, values, place)).toBeUndefined();
          const sum = memory.allocateFloats(length);
          expect(arithmetic.add(inMemory(wild(length, 2)), inMemory(values), sum)).toBe(false);
          expect(plainArithmetic.add(wild(length, 2), values, sum)).toBe(false);
        }
      }
    }
    expect(arithmetic.areFinite(inMemory([3.4e38, -1e-45]))).toBe(true);
  });

  it('keeps NaN and counts it as beyond no limit', () => {
    const values = inMemory([NaN, 1, -Infinity, 0, NaN]);
    expect(arithmetic.clamp(values, 1.5, 2)).toBe(true);
    expect([...values]).toEqual([NaN, 1.5, -2, 0, NaN]);
  });

  it('in what is received, for every ragged length and every number of squares, in place or not', () => {
    for (const length of [...lengths, 15, 16, 17, 33]) {
      const values = wild(length, 1);
      for (let squared = 0; squared <= Math.min(length, 40); squared += 1) {
        const expected = receive(plainArithmetic, (same) => same, values, squared);
        expect(expected?.sumOfSquares).toBe(plainArithmetic.sumOfSquares(values.subarray(0, squared)));
        expect(receive(arithmetic, inMemory, values, squared)).toEqual(expected);
        const inPlace = inMemory(values);
        expect(arithmetic.receive(inPlace, inPlace, squared)).toEqual(expected);
        expect(bits(inPlace)).toEqual(bits(values));
      }
    }
  });

  it('in what is refused: arrays of two lengths, and more squares than elements', () => {
    for (const [using, place] of [[arithmetic, inMemory], [plainArithmetic, (values: Float32Array) => values]] as const) {
      const [three, four] = [place(new Float32Array(3)), place(new Float32Array(4))];
      expect(() => using.receive(three, four, 3)).toThrow('got 3, 4 and 3');
      expect(() => using.receive(four, four, 5)).toThrow('got 4, 4 and 5');
    }
  });

  it('in fingerprints, which tell every flipped bit', () => {
    const values = wild(40, 1);
    const words = new Uint32Array(values.buffer);
    const all = new Set([receive(arithmetic, inMemory, values, 40)?.fingerprint]);
    let notFinite = 0;
    for (let bit = 0; bit < 40 * 32; bit += 1) {
      words[bit >>> 5] ^= 1 << (bit & 31);
      if (Number.isFinite(values[bit >>> 5])) all.add(receive(arithmetic, inMemory, values, 40)?.fingerprint);
      else notFinite += 1;
      words[bit >>> 5] ^= 1 << (bit & 31);
    }
    expect(all.size).toBe(1 + 40 * 32 - notFinite);
    expect(notFinite).toBeLessThan(40);
  });

  it('in gradients that are added, measured and clipped', () => {
    const step = (using: Arithmetic, place: (values: Float32Array) => Float32Array): unknown[] => {
      const [left, right] = [gradient(1, [0, 4, 5], place), gradient(3, [2, 4], place)];
      const sum = addGradients(layout, left, right, place(new Float32Array(36)), using);
      const placed = { ...sum, sparse: sum.sparse.map(({ rows, values }) => ({ rows, values: place(values) })) };
      const squares = sumOfSquares(placed, using);
      const clipped = [clipGradient(placed, 3, { kind: 'norm', threshold: 2 }, using), clipGradient(placed, 3, { kind: 'value', threshold: 0.1 }, using)];
      return [squares, clipped, isFiniteGradient(placed, using), bits(placed.dense), bits(placed.sparse[0].values)];
    };
    expect(step(arithmetic, inMemory)).toEqual(step(plainArithmetic, (values) => values));
  });

  it.each(OPTIMIZERS.flatMap((name) => [[name, 0], [name, 0.01]] as const))('in five steps of %s with decay %f', (name, decay) => {
    const run = (using: Arithmetic, place: (values: Float32Array) => Float32Array): Uint32Array[] => {
      const optimizer = createOptimizer(optimizerConfig(name, decay === 0 ? {} : { l2: decay, weightDecay: decay }), using);
      let parameters = place(wild(layout.size, 5));
      let slots = optimizer.slots.map(() => place(new Float32Array(layout.size)));
      for (let updates = 0; updates < 5; updates += 1) {
        const into = { parameters: place(new Float32Array(layout.size).fill(NaN)), slots: slots.map(() => place(new Float32Array(layout.size).fill(NaN))) };
        const factors = { mean: Math.fround(1 / 3), clip: updates === 1 ? Math.fround(0.1) : 1 };
        const isFinite = optimizer.step({ layout, parameters, slots, gradient: gradient(updates * 2, [1, 2, (updates % 3) + 5], place), factors, learningRate: 0.03, updates }, into);
        expect(isFinite).toBe(true);
        ({ parameters, slots } = into);
      }
      return [parameters, ...slots].map(bits);
    };
    expect(run(arithmetic, inMemory)).toEqual(run(plainArithmetic, (values) => values));
  });

  it.each(OPTIMIZERS)('in whether a step of %s is finite', (name) => {
    const optimizer = createOptimizer(optimizerConfig(name), arithmetic);
    const step = (spoilt: Gradient): boolean => {
      const [parameters, after, ...slots] = Array.from({ length: 2 + 2 * optimizer.slots.length }, () => inMemory(new Float32Array(layout.size)));
      const count = optimizer.slots.length;
      return optimizer.step({ layout, parameters, slots: slots.slice(0, count), gradient: spoilt, factors: UNSCALED, learningRate: 0.03, updates: 0 }, { parameters: after, slots: slots.slice(count) });
    };
    const finite = gradient(1, [1, 2, 7], inMemory);
    expect(step(finite)).toBe(true);
    for (const place of finite.dense.keys()) expect(step({ ...finite, dense: inMemory(finite.dense.with(place, Infinity)) })).toBe(false);
    const [{ rows, values }] = finite.sparse;
    for (const place of values.keys()) expect(step({ ...finite, sparse: [{ rows, values: inMemory(values.with(place, NaN)) }] })).toBe(false);
  });

  it.each(OPTIMIZERS.filter((name) => createOptimizer(optimizerConfig(name)).slots.length > 0))('in whether a step of %s is finite whose slots alone overflow', (name) => {
    const step = (using: Arithmetic, place: (values: Float32Array) => Float32Array): boolean => {
      const optimizer = createOptimizer(optimizerConfig(name), using);
      const [parameters, after] = [place(new Float32Array(layout.size)), place(new Float32Array(layout.size))];
      const [slots, slotsAfter] = [1e38, 0].map((value) => optimizer.slots.map(() => place(new Float32Array(layout.size).fill(value))));
      const { dense, sparse } = gradient(1, [1], place);
      dense[0] = 3.4e38;
      // At a rate of 0 no parameter changes.
      const isFinite = optimizer.step({ layout, parameters, slots, gradient: { dense, sparse }, factors: UNSCALED, learningRate: 0, updates: 0 }, { parameters: after, slots: slotsAfter });
      expect(after).toEqual(parameters);
      expect(slotsAfter.every((slot) => plainArithmetic.areFinite(slot))).toBe(false);
      return isFinite;
    };
    expect([step(arithmetic, inMemory), step(plainArithmetic, (values) => values)]).toEqual([false, false]);
  });

  it('refuses an array that does not lie in its memory', () => {
    expect(() => arithmetic.areFinite(new Float32Array(4))).toThrow('expected an array in the memory of the kernels');
    expect(() => { arithmetic.add(inMemory([1]), inMemory([2]), new Float32Array(new SharedArrayBuffer(4))); }).toThrow('got one elsewhere');
  });
});
