import { decodeGradient, denseSize, encodeGradient, gradientBytesBounds, OBJECTIVE_DEFAULTS, parameterLayout, referenceBackend, type Gradient } from '@bptt/core';
import { createThreadMemory, openThreadMemory, type ThreadMemory } from '@bptt/simd';
import { beforeAll, describe, expect, it } from 'vitest';
import { createJobRunner, type JobRunner } from './microshard-jobs.js';
import { MODEL, seededMicroshard, sharedParameters } from './testing/fixtures.js';
import type { EncodedGradient } from './thread-protocol.js';

const layout = parameterLayout(MODEL);
let memory: ThreadMemory;
const createRunner = (): JobRunner => createJobRunner(referenceBackend({ precision: 'float32' }), { model: MODEL, objective: OBJECTIVE_DEFAULTS, seed: 1 }, openThreadMemory(memory.shared));

function gradientOf(value: number, rows: readonly number[]): EncodedGradient {
  const sparse = [{ rows: Uint32Array.from(rows), values: new Float32Array(rows.length * MODEL.embedding).fill(value) }];
  const gradient: Gradient = { dense: new Float32Array(denseSize(layout)).fill(value), sparse };
  const block = memory.allocateBytes(gradientBytesBounds(layout)[1] + 8);
  return { block, bytes: encodeGradient(gradient, block) };
}

describe.each([['memory of the kernels', 1], ['ordinary memory', Infinity]])('job runner in %s', (_name, bytes) => {
  let runner: JobRunner;
  beforeAll(() => {
    memory = createThreadMemory(bytes);
    runner = createRunner();
  });

  it('adds two gradients in the memory of the left one', async () => {
    const left = gradientOf(1, [0, 4]);
    const { gradientBytes } = await runner.run({ kind: 'add', node: { begin: 2, width: 2 }, left, right: gradientOf(2, [4, 5]) });
    const { dense, sparse } = decodeGradient(layout, left.block.subarray(0, gradientBytes));
    expect(new Set(dense)).toEqual(new Set([3]));
    expect([...sparse[0].rows]).toEqual([0, 4, 5]);
    expect([...sparse[0].values]).toEqual([1, 1, 1, 3, 3, 3, 2, 2, 2]);
  });

  it('flags a sum beyond float32 although both sides are finite, without a place in time', async () => {
    const outcome = await runner.run({ kind: 'add', node: { begin: 2, width: 2 }, left: gradientOf(3e38, [1]), right: gradientOf(3e38, [1]) });
    expect(outcome).toEqual({ gradientBytes: undefined, nonFinite: { microshard: 2, sequence: -1, timeStep: 0, layer: 2, phase: 'backward' } });
  });

  it('needs parameters before its first microshard, and keeps them for the next', async () => {
    const fresh = createRunner();
    const job = { kind: 'evaluate', microshard: seededMicroshard(0), initialStates: undefined, batch: undefined, parameters: undefined, into: undefined, checks: true } as const;
    await expect(fresh.run(job)).rejects.toThrow('microshard 0 before any parameters');
    const first = await fresh.run({ ...job, parameters: { values: sharedParameters(MODEL, 1), isInMemory: false } });
    expect(await fresh.run(job)).toEqual(first);
  });
});
