import { describe, expect, it } from 'vitest';
import { dropoutMask, type DropoutOptions } from './dropout.js';
import type { Microshard } from './microshard.js';
import { randomMicroshard } from './testing/index.js';

const OPTIONS: DropoutOptions = { dropout: 0.25, variational: false, seed: 1, step: 7, connection: 1 };
const microshard: Microshard = { ...randomMicroshard({ vocabulary: 9, lengths: [20, 20, 20] }), sequences: Int32Array.of(40, 41, 50) };
const width = 50;
const row = (mask: Float32Array, t: number, b: number, B = 3): Float32Array => mask.subarray((t * B + b) * width, (t * B + b + 1) * width);

describe('dropoutMask', () => {
  it('keeps a unit with probability 1 - p, and then times 1 / (1 - p)', () => {
    const mask = dropoutMask(microshard, width, OPTIONS);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    const kept = mask.filter((x) => x > 0).length / mask.length;
    expect(kept).toBeGreaterThan(0.73);
    expect(kept).toBeLessThan(0.77);
  });

  it('does not depend on padding or on which other sequences the microshard holds', () => {
    const mask = dropoutMask(microshard, width, OPTIONS);
    const alone = dropoutMask({ ...microshard, T: 32, B: 2, sequences: Int32Array.of(50, -1) }, width, OPTIONS);
    for (let t = 0; t < 20; t += 1) expect(row(alone, t, 0, 2)).toEqual(row(mask, t, 2));
  });

  it('is another one for another seed, step, connection, sequence or moment', () => {
    const mask = dropoutMask(microshard, width, OPTIONS);
    for (const change of [{ seed: 2 }, { step: 8 }, { connection: 2 }]) expect(dropoutMask(microshard, width, { ...OPTIONS, ...change })).not.toEqual(mask);
    expect(row(mask, 0, 0)).not.toEqual(row(mask, 0, 1));
    expect(row(mask, 0, 0)).not.toEqual(row(mask, 1, 0));
  });

  it('variational is one mask a sequence', () => {
    const mask = dropoutMask(microshard, width, { ...OPTIONS, variational: true });
    for (let t = 1; t < 20; t += 1) expect(row(mask, t, 1)).toEqual(row(mask, 0, 1));
    expect(row(mask, 0, 0)).not.toEqual(row(mask, 0, 1));
  });
});
