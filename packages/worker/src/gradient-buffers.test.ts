import { gradientBytesBounds, parameterLayout } from '@bptt/core';
import { createThreadMemory } from '@bptt/simd';
import { describe, expect, it } from 'vitest';
import { GradientBuffers } from './gradient-buffers.js';
import { MODEL } from './testing/fixtures.js';

const memory = createThreadMemory(1);
const layout = parameterLayout(MODEL);
const [, most] = gradientBytesBounds(layout);

describe('GradientBuffers', () => {
  it('have room for a gradient with every row, and for what stands behind it', () => {
    expect(new GradientBuffers(layout, memory).take(20).byteLength).toBe(most + 20);
  });

  it('hand out what was given back, where it is large enough, and nothing that was not', () => {
    const buffers = new GradientBuffers(layout, memory);
    const [a, b] = [buffers.take(0), buffers.take(0)];
    expect(b).not.toBe(a);
    buffers.giveBack(a);
    expect(buffers.take(8)).not.toBe(a);
    expect(buffers.take(0)).toBe(a);
    expect(buffers.take(0)).not.toBe(a);
  });

  it('keep no more than so many', () => {
    const buffers = new GradientBuffers(layout, memory);
    const given = Array.from({ length: 100 }, () => buffers.take(0));
    for (const buffer of given) buffers.giveBack(buffer);
    const again = Array.from({ length: 100 }, () => buffers.take(0));
    expect(again.filter((buffer) => given.includes(buffer))).toHaveLength(64);
  });
});
