import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeGradient, gradientBytes, optimizerConfig, parameterLayout } from '@bptt/core';
import { BlockPool, createThreadMemory } from '@bptt/simd';
import { gradientOf, randomValues, smallModel } from '@bptt/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RoundPayloads } from './round-payloads.js';
import { UpdateThread } from './update-client.js';
import type { UpdateRequest } from './update-engine.js';

const model = smallModel();
const layout = parameterLayout(model);
const UPDATE: UpdateRequest = { from: 0, into: 1, updates: 0, iteratesAveraged: undefined, divisor: 1, clip: { kind: 'none' }, learningRate: 0.5, policy: 'skip', hashes: false };

describe('payloads of a round', () => {
  let runDirectory: string;
  let thread: UpdateThread;
  let buffers: BlockPool;
  let payloads: RoundPayloads;

  beforeEach(() => {
    runDirectory = mkdtempSync(join(tmpdir(), 'bptt-payloads-'));
    const memory = createThreadMemory(1);
    const parameters = [0, 1].map(() => memory.allocateFloats(layout.size));
    thread = new UpdateThread({ model, optimizer: optimizerConfig('sgd'), runDirectory, memory: memory.shared, buffers: parameters, slots: {}, best: undefined, restoresBest: false }, () => undefined);
    buffers = new BlockPool(64, { poisoned: true, allocate: (bytes) => memory.allocateBytes(bytes) });
    payloads = new RoundPayloads(thread, buffers);
  });

  afterEach(async () => {
    await thread.close();
    rmSync(runDirectory, { recursive: true });
  });

  /** A payload that the thread has received. */
  async function received(pushId: number): Promise<Uint8Array> {
    const gradient = gradientOf(layout, Float32Array.from(randomValues(layout.size, pushId)));
    const payload = buffers.take(gradientBytes(gradient));
    encodeGradient(gradient, payload);
    await thread.call('receive', { pushId, from: payload, bytes: payload, gradientBytes: payload.length });
    return payload;
  }

  it('lie in memory that is free when the update is done, and not before', async () => {
    await payloads.open([false, false]);
    const both = [await received(0), await received(1)];
    for (const [pushId, payload] of both.entries()) await payloads.adopt({ pushId, node: { begin: pushId, width: 1 } }, payload);
    const update = payloads.update(UPDATE);
    expect(both.map(wasGivenBack)).toEqual([false, false]);
    expect(await update).toMatchObject({ outcome: 'updated', gradientNorm: expect.closeTo(norm([0, 1]), 3) as number });
    expect(both.map(wasGivenBack)).toEqual([true, true]);
  });

  it('lie in memory that is free when the thread has dropped them, and not before', async () => {
    const payload = await received(1);
    const dropped = payloads.discard({ pushId: 1 }, payload);
    expect(wasGivenBack(payload)).toBe(false);
    await dropped;
    expect(wasGivenBack(payload)).toBe(true);
    await expect(payloads.adopt({ pushId: 1, node: { begin: 0, width: 1 } }, payload)).rejects.toThrow('push 1 was not received');
  });

  it('of a round that was given up are free when the next one is open; those of the next one are not', async () => {
    await payloads.open([false, false]);
    const [old, next] = [await received(1), await received(2)];
    await payloads.adopt({ pushId: 1, node: { begin: 0, width: 1 } }, old);
    const opened = payloads.open([false]);
    const adopted = payloads.adopt({ pushId: 2, node: { begin: 0, width: 1 } }, next);
    expect(wasGivenBack(old)).toBe(false);
    await opened;
    await adopted;
    expect([old, next].map(wasGivenBack)).toEqual([true, false]);
    expect((await payloads.update(UPDATE)).gradientNorm).toBeCloseTo(norm([2]), 3);
    expect(wasGivenBack(next)).toBe(true);
  });

  it('are left alone for ever where the thread fails, or ends before it answers', async () => {
    await payloads.open([false, false]);
    const [first, second] = [await received(1), await received(2)];
    await payloads.adopt({ pushId: 1, node: { begin: 0, width: 1 } }, first);
    await expect(payloads.update(UPDATE)).rejects.toThrow('the batch is not complete');
    const dropped = payloads.discard({ pushId: 2 }, second);
    await thread.close();
    await expect(dropped).rejects.toMatchObject({ code: 'cancelled' });
    expect([first, second].map(wasGivenBack)).toEqual([false, false]);
  });

  it('without bytes are unknown to the thread and have no memory', async () => {
    await payloads.discard({ pushId: 9 }, buffers.take(0));
  });

  function norm(seeds: readonly number[]): number {
    const all = seeds.map((seed) => Float32Array.from(randomValues(layout.size, seed)));
    return Math.hypot(...all[0].map((_value, i) => all.reduce((sum, values) => sum + values[i], 0)));
  }
});

function wasGivenBack(payload: Uint8Array): boolean {
  return payload.every((byte) => byte === 0xff);
}
