import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addGradients, decodeGradient, encodeGradient, gradientBytes, layOut, optimizerConfig, type OptimizerConfig } from '@bptt/core';
import { createThreadMemory, type ThreadMemory } from '@bptt/simd';
import { gradientOf } from '@bptt/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpoint, floatsSha256 } from './checkpoint-format.js';
import { AVERAGE_BUFFER } from './parameter-sets.js';
import { FIRST_CURSOR } from './run-state.js';
import { UpdateEngine, type UpdateReply } from './update-engine.js';

const layout = layOut([{ name: 'rnn.weight_hh_l0', shape: [2, 2] }, { name: 'encoder.weight', shape: [2, 1], rowSparse: true }]);
const runDirectory = mkdtempSync(join(tmpdir(), 'bptt-engine-'));
afterAll(() => { rmSync(runDirectory, { recursive: true }); });
const origin = { runId: 'run', backendId: 'reference/1', corpusHash: 'corpus', configJson: '{}', vocabularySha256: 'ab' };

let memory: ThreadMemory;

/** The gradient with these values as it travels. */
function payloadOf(values: readonly number[]): Uint8Array {
  const gradient = gradientOf(layout, Float32Array.from(values));
  const bytes = memory.allocateBytes(gradientBytes(gradient));
  encodeGradient(gradient, bytes);
  return bytes;
}

/** An engine between two parameter buffers, and what its state machine would remember. */
class Descent {
  readonly buffers: readonly Float32Array[] = [0, 1, AVERAGE_BUFFER].map(() => memory.allocateFloats(layout.size));
  readonly engine: UpdateEngine;
  iterate = 0;
  updates = 0;
  #pushes = 0;

  constructor(optimizer: OptimizerConfig, { restoresBest = false } = {}) {
    this.parameters.set([1, 2, 3, 4, 5, 6]);
    const slots = { squares: new Float32Array(layout.size), velocity: new Float32Array(layout.size) };
    this.engine = new UpdateEngine(layout, { optimizer, runDirectory, memory: memory.shared, buffers: this.buffers, slots, best: undefined, restoresBest });
  }

  get parameters(): Float32Array {
    return this.buffers[this.iterate];
  }

  /** One step with this gradient. */
  step(values: readonly number[], iteratesAveraged?: number): UpdateReply {
    this.#pushes += 1;
    const bytes = payloadOf(values);
    this.engine.open([false]);
    this.engine.receive({ pushId: this.#pushes, from: bytes, bytes, gradientBytes: bytes.length });
    this.engine.adopt(this.#pushes, { begin: 0, width: 1 });
    const reply = this.engine.update({ from: this.iterate, into: 1 - this.iterate, updates: this.updates, iteratesAveraged, divisor: 1, clip: { kind: 'none' }, learningRate: 0.5, policy: 'skip', hashes: true });
    this.iterate = 1 - this.iterate;
    if (reply.outcome === 'updated') this.updates += 1;
    return reply;
  }

  request(averaged = false) {
    return { origin, cursor: { ...FIRST_CURSOR, step: this.updates }, states: [], parametersSha256: 'cd', iterate: this.iterate, averaged };
  }
}

describe.each([
  ['memory of the kernels', 1],
  ['ordinary memory', Infinity],
])('the update engine in %s', (_name, bytesNeeded) => {
  beforeAll(() => {
    memory = createThreadMemory(bytesNeeded);
    expect(memory.shared === undefined).toBe(bytesNeeded === Infinity);
  });

  it('leaves the optimiser as it was where only its state would overflow', () => {
    const undisturbed = new Descent(optimizerConfig('adagrad'));
    const disturbed = new Descent(optimizerConfig('adagrad'));
    for (const descent of [undisturbed, disturbed]) expect(descent.step([1, 2, 3, 4, 5, 6]).outcome).toBe('updated');
    expect(disturbed.step([1e30, 0, 0, 0, 0, 0])).toMatchObject({ outcome: 'skipped', gradientNorm: NaN });
    for (const descent of [undisturbed, disturbed]) descent.step([1, -2, 3, -4, 0, 6]);
    expect(disturbed.parameters).toEqual(undisturbed.parameters);
  });

  it.each([['left first', [0, 1]], ['right first', [1, 0]]])('adds two gradients in the memory of the left one, %s, and leaves that of the right one alone', (_order, order) => {
    const descent = new Descent(optimizerConfig('sgd'));
    const sides = [[1, 2, 3, 4, 5, 6], [1e-8, 0.1, -3, 7, 8, 9]].map((values) => payloadOf(values));
    const [left, right] = sides.map((bytes) => decodeGradient(layout, bytes.slice()));
    const expected = addGradients(layout, left, right);
    descent.engine.open([false, false]);
    for (const [pushId, bytes] of sides.entries()) descent.engine.receive({ pushId, from: bytes, bytes, gradientBytes: bytes.length });
    for (const leaf of order) descent.engine.adopt(leaf, { begin: leaf, width: 1 });
    const [leftAfter, rightAfter] = sides.map((bytes) => decodeGradient(layout, bytes));
    expect(leftAfter.dense).toEqual(expected.dense);
    expect(rightAfter).toEqual(right);
    const reply = descent.engine.update({ from: 0, into: 1, updates: 0, iteratesAveraged: undefined, divisor: 1, clip: { kind: 'none' }, learningRate: 1, policy: 'skip', hashes: true });
    expect(reply.outcome).toBe('updated');
    expect(descent.buffers[1]).toEqual(descent.parameters.map((value, i) => value - Math.fround(sum(i))));

    function sum(i: number): number {
      return i < 4 ? expected.dense[i] : expected.sparse[0].values[i - 4];
    }
  });

  it('descends as from a buffer that is written anew, whatever rows steps touch and whatever comes between them', () => {
    const descent = new Descent(optimizerConfig('sgd'), { restoresBest: true });
    const huge = 3e38;
    // The third of the huge ones takes the first parameter beyond float32.
    const gradients = [[1, 1, 1, 1, 1, 0], [huge, 0, 0, 1, 0, 1], [huge, 0, 0, 1, 0, 0], [huge, 0, 0, 1, 3, 0], [1, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0]];
    const outcomes = gradients.map((values, step) => {
      if (step === 2) descent.engine.keepBest(descent.request());
      const before = descent.parameters.slice();
      const { outcome } = descent.step(values);
      expect(descent.parameters).toEqual(outcome === 'updated' ? before.map((value, i) => value - 0.5 * values[i]) : before);
      if (step === 4) {
        descent.engine.restoreBest(1 - descent.iterate);
        descent.iterate = 1 - descent.iterate;
      }
      return outcome;
    });
    expect(outcomes).toEqual(['updated', 'updated', 'updated', 'skipped', 'updated', 'updated', 'updated']);
  });

  it('takes a payload in from elsewhere, and its norm is that of a gradient which is added up of two', () => {
    const [one, two] = [new Descent(optimizerConfig('sgd')), new Descent(optimizerConfig('sgd'))];
    const values = [1, -2, 3, 4, 5, 6];
    const from = payloadOf(values);
    const bytes = memory.allocateBytes(from.length);
    one.engine.open([false]);
    const fingerprint = one.engine.receive({ pushId: 0, from, bytes, gradientBytes: from.length });
    expect(bytes).toEqual(from);
    expect(one.engine.receive({ pushId: 1, from: bytes, bytes, gradientBytes: bytes.length })).toBe(fingerprint);
    from.fill(255);
    one.engine.adopt(0, { begin: 0, width: 1 });
    two.engine.open([false, false]);
    for (const [pushId, half] of [values.map((value) => value / 2), values.map((value) => value / 2)].map(payloadOf).entries()) {
      two.engine.receive({ pushId, from: half, bytes: half, gradientBytes: half.length });
      two.engine.adopt(pushId, { begin: pushId, width: 1 });
    }
    const request = { from: 0, into: 1, updates: 0, iteratesAveraged: undefined, divisor: 3, clip: { kind: 'norm', threshold: 1 }, learningRate: 1, policy: 'skip', hashes: true } as const;
    const reply = one.engine.update(request);
    expect(reply).toMatchObject({ outcome: 'updated', clipped: true, gradientNorm: Math.fround(1 / 3) * Math.sqrt(91) });
    expect(two.engine.update(request)).toEqual(reply);
  });

  it('keeps nothing of a payload that it refuses', () => {
    const { engine } = new Descent(optimizerConfig('sgd'));
    const bytes = payloadOf([1, 2, 3, 4, 5, NaN]);
    engine.open([false]);
    expect(() => engine.receive({ pushId: 7, from: bytes, bytes, gradientBytes: bytes.length })).toThrow('a value is not finite');
    expect(() => { engine.adopt(7, { begin: 0, width: 1 }); }).toThrow('push 7 was not received');
  });

  it('restores the best parameters with an optimiser that starts anew, and has them in its checkpoints', () => {
    const descent = new Descent(optimizerConfig('momentum'), { restoresBest: true });
    descent.step([1, 1, 1, 1, 1, 1]);
    const best = descent.parameters.slice();
    const kept = decodeCheckpoint(layout, readFileSync(descent.engine.keepBest(descent.request())));
    expect(kept).toMatchObject({ parameters: best, slots: {}, states: [], iterate: undefined, best: undefined });
    descent.step([1, 1, 1, 1, 1, 1]);
    expect(descent.parameters).not.toEqual(best);
    const written = decodeCheckpoint(layout, readFileSync(descent.engine.checkpoint(descent.request())));
    expect(written).toMatchObject({ parameters: descent.parameters, best });
    expect(written.slots['velocity'][0]).toBeCloseTo(1.9, 6);
    descent.engine.restoreBest(1 - descent.iterate);
    descent.iterate = 1 - descent.iterate;
    expect(descent.parameters).toEqual(best);
    descent.step([1, 1, 1, 1, 1, 1]);
    expect(descent.parameters).toEqual(best.map((value) => value - 0.5));
  });

  it('averages iterates beside the descent, and writes both', () => {
    const descent = new Descent(optimizerConfig('asgd'));
    descent.step([2, 2, 2, 2, 2, 2]);
    descent.step([2, 2, 2, 2, 2, 2], 0);
    descent.step([2, 2, 2, 2, 2, 2], 1);
    // From 1: iterates -1 and -2 are in the average.
    const average = descent.buffers[AVERAGE_BUFFER];
    expect([average[0], descent.parameters[0]]).toEqual([-1.5, -2]);
    expect(descent.engine.sha256(AVERAGE_BUFFER)).toBe(floatsSha256(average));
    expect(decodeCheckpoint(layout, readFileSync(descent.engine.checkpoint(descent.request(true))))).toMatchObject({ parameters: average, iterate: descent.parameters });
    expect(decodeCheckpoint(layout, readFileSync(descent.engine.keepBest(descent.request(true)))).parameters).toEqual(average);
  });
});
