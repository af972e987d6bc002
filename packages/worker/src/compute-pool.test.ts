import { locateNonFinite, OBJECTIVE_DEFAULTS, parameterLayout, stateSize, tensorNamed, type Truncation } from '@bptt/core';
import { chunksHelped, createThreadMemory } from '@bptt/simd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBackend, localAdapters, type BackendDevice } from './backends.js';
import { createComputePool, type ComputePool } from './compute-pool.js';
import { BACKEND_ID, BATCH, computeSequentially, explosive, fromZeros, MODEL, seededMicroshard, seededWork, sharedParameters, withoutTargets } from './testing/fixtures.js';
import { startComputeThread, type ComputeThread } from './thread-handle.js';

const settings = { model: MODEL, objective: OBJECTIVE_DEFAULTS, seed: 1, backendId: BACKEND_ID };
const parameters = sharedParameters(MODEL, 1);

describe('compute pool', () => {
  let pools: ComputePool[] = [];
  beforeAll(async () => {
    pools = await Promise.all([1, 2].map((threads) => createComputePool({ ...settings, threads })));
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.dispose()));
  });

  it.each([1, 3, 8])('gives the bits of a sequential computation for a node of width %i, on one thread and on two', async (width) => {
    const node = { begin: 0, width };
    const work = seededWork(width);
    const expected = await computeSequentially(node, work, { parameters });
    for (const pool of pools) {
      const before = pool.microshardsDone;
      const result = await pool.compute({ kind: 'gradient', node, microshards: work, batch: BATCH, parameters });
      expect(Buffer.from(result.payload).equals(expected.encodedGradient)).toBe(true);
      expect(result).toMatchObject({ lossSum: expected.lossSum, gradientBytes: expected.encodedGradient.length, stateBytes: 0, nonFinite: undefined });
      expect(result.payload.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(result.tokens).toBe(work.reduce((sum, { microshard }) => sum + microshard.targets.length, 0));
      expect(result.sequences).toBe(work.reduce((sum, { microshard }) => sum + microshard.B, 0));
      expect(pool.microshardsDone - before).toBe(width);
    }
  });

  it('takes microshards that are absent or have no targets as the identity of the sum', async () => {
    const node = { begin: 0, width: 5 };
    const present = fromZeros([0, 3].map(seededMicroshard));
    const expected = await computeSequentially(node, present, { parameters });
    const microshards = [present[0], ...fromZeros([withoutTargets(seededMicroshard(1))]), present[1]];
    for (const pool of pools) {
      const result = await pool.compute({ kind: 'gradient', node, microshards, batch: BATCH, parameters });
      expect(Buffer.from(result.payload).equals(expected.encodedGradient)).toBe(true);
      expect(result.sequences).toBe(2);
    }
  });

  it('pushes nothing for a node without any targets', async () => {
    const microshards = fromZeros([withoutTargets(seededMicroshard(0))]);
    const result = await pools[0].compute({ kind: 'gradient', node: { begin: 0, width: 1 }, microshards, batch: BATCH, parameters });
    expect(result).toMatchObject({ lossSum: 0, tokens: 0, gradientBytes: 0, stateBytes: 0 });
    expect(result.payload).toHaveLength(0);
  });

  it('writes over the memory of a payload only once it is released', async () => {
    const work = { kind: 'gradient', node: { begin: 0, width: 3 }, microshards: seededWork(3), batch: BATCH, parameters } as const;
    const { encodedGradient } = await computeSequentially(work.node, work.microshards, { parameters });
    const kept = await pools[1].compute(work);
    for (let round = 0; round < 5; round += 1) {
      const result = await pools[1].compute(work);
      const { payload } = result;
      expect(Buffer.from(payload).equals(encodedGradient)).toBe(true);
      payload.fill(255);
      result.release();
    }
    expect(Buffer.from(kept.payload).equals(encodedGradient)).toBe(true);
    kept.release();
  });

  it('evaluates to the loss of training, without a payload', async () => {
    const node = { begin: 0, width: 3 };
    const work = seededWork(3);
    const { lossSum } = await computeSequentially(node, work, { parameters });
    const result = await pools[1].compute({ kind: 'evaluate', node, microshards: work, batch: undefined, parameters });
    expect(result).toMatchObject({ lossSum, gradientBytes: 0, stateBytes: 0, nonFinite: undefined });
    expect(result.payload).toHaveLength(0);
  });

  it('reads new parameters when it is given another array', async () => {
    const others = sharedParameters(MODEL, 2);
    const node = { begin: 0, width: 3 };
    const work = seededWork(3);
    for (const values of [others, parameters]) {
      const { encodedGradient } = await computeSequentially(node, work, { parameters: values });
      const { payload } = await pools[1].compute({ kind: 'gradient', node, microshards: work, batch: BATCH, parameters: values });
      expect(Buffer.from(payload).equals(encodedGradient)).toBe(true);
    }
  });

  it.each(['gradient', 'evaluate'] as const)('flags the first microshard that explodes and says where (%s)', async (kind) => {
    const rare = MODEL.vocabulary - 1;
    const work = seededWork(4).map(({ microshard }) => ({ microshard: { ...microshard, inputs: microshard.inputs.map((id) => id % rare) }, initialStates: undefined }));
    // The third step of the second sequence in microshard 2, and the first step of microshard 3.
    work[2].microshard.inputs[2 * 3 + 1] = rare;
    work[3].microshard.inputs[0] = rare;
    const values = sharedParameters(MODEL, 1);
    const { begin } = tensorNamed(parameterLayout(MODEL), 'encoder.weight');
    values[begin + rare * MODEL.embedding] = NaN;
    for (const pool of pools) {
      const result = await pool.compute({ kind, node: { begin: 0, width: 4 }, microshards: work, batch: kind === 'gradient' ? BATCH : undefined, parameters: values });
      expect(result.nonFinite).toEqual({ microshard: 2, sequence: 21, timeStep: 2, layer: 0, phase: 'forward' });
      expect(result.nonFinite).toEqual(await locateNonFinite({ model: MODEL, objective: OBJECTIVE_DEFAULTS, seed: 1, parameters: values, microshard: work[2].microshard }));
      expect(result.payload).toHaveLength(0);
      expect(result).toMatchObject({ gradientBytes: 0, stateBytes: 0, lossSum: NaN });
    }
  });

  it.each([[[2]], [[1, 2]], [[3]], [[0]]])('finds the first microshard whose gradient alone explodes, although it is added before anybody looks at it (%j)', async (exploding) => {
    const { values, targetsOf } = explosive();
    const work = seededWork(4).map(({ microshard }) => ({ microshard: { ...microshard, targets: targetsOf(microshard, exploding.includes(microshard.index)) }, initialStates: undefined }));
    const { index } = work[exploding[0]].microshard;
    for (const pool of pools) {
      const { lossSum, payload, nonFinite } = await pool.compute({ kind: 'gradient', node: { begin: 0, width: 4 }, microshards: work, batch: BATCH, parameters: values });
      expect(lossSum).toBeGreaterThan(0);
      expect(payload).toHaveLength(0);
      expect(nonFinite).toMatchObject({ microshard: index, phase: 'backward' });
      const alone = await pool.compute({ kind: 'gradient', node: { begin: index, width: 1 }, microshards: [work[index]], batch: BATCH, parameters: values });
      expect(alone.nonFinite).toEqual(nonFinite);
    }
  });

  it.each([['the gradient of the left one is finite', false, 1], ['the gradient of the left one explodes too', true, 0]])('finds the first of two microshards where the loss of the right one explodes, and %s', async (_name, leftExplodes, first) => {
    const { values, targetsOf } = explosive();
    const rare = MODEL.vocabulary - 1;
    const work = seededWork(2).map(({ microshard }) => ({
      microshard: { ...microshard, inputs: microshard.inputs.map((id) => id % rare), targets: targetsOf(microshard, leftExplodes && microshard.index === 0) }, initialStates: undefined,
    }));
    work[1].microshard.inputs[0] = rare;
    values[tensorNamed(parameterLayout(MODEL), 'encoder.weight').begin + rare * MODEL.embedding] = NaN;
    for (const pool of pools) {
      // A node with an absent microshard between, so that one goes up the tree alone.
      const apart = [work[0], { ...work[1], microshard: { ...work[1].microshard, index: 3 } }];
      const { nonFinite } = await pool.compute({ kind: 'gradient', node: { begin: 0, width: 2 }, microshards: work, batch: BATCH, parameters: values });
      expect(nonFinite?.microshard).toBe(first);
      const { nonFinite: ofApart } = await pool.compute({ kind: 'gradient', node: { begin: 0, width: 5 }, microshards: apart, batch: BATCH, parameters: values });
      expect(ofApart?.microshard).toBe(apart[first].microshard.index);
    }
  });

  it('gives up a node when its signal is aborted, and computes the next', async () => {
    const work = { kind: 'gradient', node: { begin: 0, width: 8 }, microshards: seededWork(8), batch: BATCH, parameters } as const;
    await expect(pools[0].compute(work, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    const controller = new AbortController();
    const given = pools[0].compute(work, controller.signal);
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: 'cancelled' });
    const { encodedGradient } = await computeSequentially(work.node, work.microshards, { parameters });
    expect(Buffer.from((await pools[0].compute(work)).payload).equals(encodedGradient)).toBe(true);
  });

  it('rejects a node with the reason when one of its microshards cannot be computed', async () => {
    const microshard = { ...seededMicroshard(1), inputs: Int32Array.of(1) };
    const work = fromZeros([seededMicroshard(0), microshard]);
    await expect(pools[1].compute({ kind: 'gradient', node: { begin: 0, width: 2 }, microshards: work, batch: BATCH, parameters })).rejects.toThrow(/inputs 1/);
  });
});

describe('compute pool in the memory of a server', () => {
  const node = { begin: 0, width: 3 };
  const work = { kind: 'gradient', node, microshards: seededWork(3), batch: BATCH } as const;

  it('reads parameters there without a copy, and writes payloads there', async () => {
    const memory = createThreadMemory(1);
    const { id: backendId, create } = await createBackend('simd');
    const pool = await createComputePool({ ...settings, backendId, threads: 2, memory });
    try {
      const there = memory.allocateFloats(parameters.length);
      there.set(parameters);
      const { encodedGradient } = await computeSequentially(node, work.microshards, { parameters, backend: create() });
      const { payload } = await pool.compute({ ...work, parameters: there });
      expect(Buffer.from(payload).equals(encodedGradient)).toBe(true);
      expect(memory.holds(new Float32Array(payload.buffer))).toBe(true);
      // The threads hold this object already, so that nobody would copy what lies there now.
      there.fill(0);
      const { lossSum, tokens } = await pool.compute({ ...work, parameters: there });
      expect(lossSum).toBeCloseTo(tokens * Math.log(MODEL.vocabulary), 4);
    } finally {
      await pool.dispose();
    }
  });

  it('works in memory of its own where there is no room for it', async () => {
    const memory = createThreadMemory(2 ** 31);
    const pool = await createComputePool({ ...settings, threads: 1, memory });
    try {
      const { encodedGradient } = await computeSequentially(node, work.microshards, { parameters });
      const { payload } = await pool.compute({ ...work, parameters });
      expect(Buffer.from(payload).equals(encodedGradient)).toBe(true);
      expect(memory.holds(new Float32Array(payload.buffer))).toBe(false);
    } finally {
      await pool.dispose();
    }
  });
});

const adapters = (await localAdapters()).length;
if (adapters === 0) console.warn('skipped: a pool on WebGPU: no adapter on this machine');

describe('compute pool on another backend', () => {
  // gpu.js compiles a plan for each shape in each thread, which takes seconds: one shape and one thread there.
  const cases: { name: string; device?: BackendDevice; threads: number; indexes: number[] }[] = [
    { name: 'simd', threads: 2, indexes: [0, 1, 2, 3, 4] },
    { name: 'gpu', device: 'webasm', threads: 1, indexes: [0, 3] },
    { name: 'gpu', device: 'cpu', threads: 1, indexes: [0, 3] },
    { name: 'gpu', device: 'webgpu', threads: 2, indexes: [0, 3] },
  ];
  it.for(cases)('gives the bits of a sequential computation with $name $device', async ({ name, device, threads, indexes }, { skip }) => {
    skip(device === 'webgpu' && adapters === 0, 'WebGPU: no adapter on this machine');
    const choice = await createBackend(name, device);
    const backend = choice.create();
    const pool = await createComputePool({ ...settings, backendId: choice.id, threads });
    try {
      const node = { begin: 0, width: 5 };
      const work = fromZeros(indexes.map(seededMicroshard));
      const expected = await computeSequentially(node, work, { parameters, backend });
      const result = await pool.compute({ kind: 'gradient', node, microshards: work, batch: BATCH, parameters });
      expect(pool.executes).toBe(backend.executes);
      expect(Buffer.from(result.payload).equals(expected.encodedGradient)).toBe(true);
      expect(result.lossSum).toBe(expected.lossSum);
    } finally {
      backend.dispose();
      await pool.dispose();
    }
  });
});

describe('compute pool whose threads help each other', () => {
  // Six chunks of words, the last of them short.
  const model = { ...MODEL, vocabulary: 1300, hidden: [24, 24], embedding: 24 };
  // More rows than a block of them.
  const T = 24, B = 12;
  const words = (seed: number): Int32Array => Int32Array.from({ length: T * B }, (_, i) => (i * 7919 + seed * 104_729) % model.vocabulary);
  const microshards = fromZeros([0, 1, 2].map((index) => ({ index, T, B, inputs: words(index), targets: words(index + 10), sequences: Int32Array.from({ length: B }, (_, b) => b) })));

  it.each(['simd', 'blas'])('gives the bits of one thread, %s', async (name) => {
    const choice = await createBackend(name).catch(() => undefined);
    if (choice === undefined) {
      console.warn(`skipped: ${name} is not here`);
      return;
    }
    const of = (threads: number, boards: SharedArrayBuffer[]): Promise<ComputePool> => createComputePool({ ...settings, model, backendId: choice.id, threads }, (one) => {
      if (one.share?.crew !== undefined) boards.push(one.share.crew.board);
      return startComputeThread(one);
    });
    const payloads: Buffer[][] = [];
    const losses = new Set<number>();
    let helped = 0;
    for (const threads of [1, 2, 3]) {
      const boards: SharedArrayBuffer[] = [];
      const pool = await of(threads, boards);
      const values = sharedParameters(model, 1);
      const ofPool: Buffer[] = [];
      for (let round = 0; round < 8; round += 1) {
        for (const width of [1, 3]) {
          const result = await pool.compute({ kind: 'gradient', node: { begin: 0, width: width === 1 ? 1 : 4 }, microshards: microshards.slice(0, width), batch: BATCH, parameters: values });
          if (round === 0) ofPool.push(Buffer.from(result.payload));
          else expect(ofPool[width === 1 ? 0 : 1].equals(Buffer.from(result.payload))).toBe(true);
          result.release();
        }
        const { lossSum } = await pool.compute({ kind: 'evaluate', node: { begin: 0, width: 1 }, microshards: microshards.slice(0, 1), batch: undefined, parameters: values });
        losses.add(lossSum);
      }
      payloads.push(ofPool);
      helped += boards.length === 0 ? 0 : chunksHelped(boards[0]);
      await pool.dispose();
    }
    expect(payloads[1]).toEqual(payloads[0]);
    expect(payloads[2]).toEqual(payloads[0]);
    expect(losses.size).toBe(1);
    expect(helped).toBeGreaterThan(0);
  });

  it('goes on after a thread that helped, or was helped, has ended', async () => {
    const choice = await createBackend('simd');
    const started: ComputeThread[] = [];
    const pool = await createComputePool({ ...settings, model, backendId: choice.id, threads: 2 }, async (one) => {
      const thread = await startComputeThread(one);
      started.push(thread);
      return thread;
    });
    try {
      const values = sharedParameters(model, 1);
      const work = { kind: 'gradient', node: { begin: 0, width: 1 }, microshards: microshards.slice(0, 1), batch: BATCH, parameters: values } as const;
      const { payload } = await pool.compute(work);
      for (let death = 0; death < 3; death += 1) {
        const underWay = pool.compute(work).then(({ payload: bytes }) => bytes, (error: unknown) => error);
        await new Promise((resolve) => { setTimeout(resolve, 1); });
        await Promise.all(started.splice(0, 1).map((thread) => thread.terminate()));
        const outcome = await underWay;
        if (outcome instanceof Uint8Array) expect(outcome).toEqual(payload);
        else expect(outcome).toMatchObject({ code: 'internal' });
        // A thread that ended while it had nothing to do refuses the next job, and is replaced then.
        const again = await pool.compute(work).catch(() => pool.compute(work));
        expect(Buffer.from(again.payload).equals(Buffer.from(payload))).toBe(true);
      }
    } finally {
      await pool.dispose();
    }
  });
});

describe('compute pool in stream mode', () => {
  it('carries states on over a microshard that reads something but has no targets, as the last word of a text before a new sentence', async () => {
    const truncation: Truncation = { kind: 'chunk', k: 4 };
    const pool = await createComputePool({ ...settings, objective: { ...OBJECTIVE_DEFAULTS, truncation }, threads: 1 });
    try {
      const node = { begin: 0, width: 2 };
      const work = fromZeros([seededMicroshard(0), withoutTargets(seededMicroshard(1))]);
      const expected = await computeSequentially(node, work, { parameters, truncation });
      const states = Buffer.concat(expected.finalStates.map(({ buffer }) => new Uint8Array(buffer)));
      const result = await pool.compute({ kind: 'gradient', node, microshards: work, batch: BATCH, parameters });
      expect(expected.finalStates[1].some((value) => value !== 0)).toBe(true);
      expect(result).toMatchObject({ lossSum: expected.lossSum, stateBytes: states.length, sequences: work.reduce((sum, { microshard }) => sum + microshard.B, 0) });
      expect(Buffer.from(result.payload).equals(Buffer.concat([expected.encodedGradient, states]))).toBe(true);
    } finally {
      await pool.dispose();
    }
  });

  it('puts the final states of the microshards behind the gradient, in order, carried on from the initial ones', async () => {
    const truncation: Truncation = { kind: 'chunk', k: 4 };
    const pool = await createComputePool({ ...settings, objective: { ...OBJECTIVE_DEFAULTS, truncation }, threads: 2 });
    try {
      const node = { begin: 0, width: 4 };
      const work = [0, 1, 3].map((index) => {
        const microshard = seededMicroshard(index);
        const initialStates = Float32Array.from({ length: stateSize(MODEL, microshard.B) }, (_, i) => (i + index) / 50);
        return { microshard, initialStates };
      });
      const expected = await computeSequentially(node, work, { parameters, truncation });
      const states = Buffer.concat(expected.finalStates.map(({ buffer }) => new Uint8Array(buffer)));
      const result = await pool.compute({ kind: 'gradient', node, microshards: work, batch: BATCH, parameters });
      expect(result.stateBytes).toBe(states.length);
      expect(Buffer.from(result.payload).equals(Buffer.concat([expected.encodedGradient, states]))).toBe(true);
    } finally {
      await pool.dispose();
    }
  });
});

describe('threads of a compute pool', () => {
  const work = { kind: 'gradient', node: { begin: 0, width: 1 }, microshards: seededWork(1), batch: BATCH, parameters } as const;

  it('replaces a thread that dies three times, and rejects the work under way with the reason', async () => {
    const started: ComputeThread[] = [];
    const pool = await createComputePool({ ...settings, threads: 1 }, async (one) => {
      const thread = await startComputeThread(one);
      started.push(thread);
      return thread;
    });
    try {
      for (let deaths = 1; deaths <= 4; deaths += 1) {
        // So many microshards that the thread cannot have done them all before it ends.
        const underWay = pool.compute({ ...work, node: { begin: 0, width: 64 }, microshards: seededWork(64) });
        const rejected = expect(underWay).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('compute thread ended') as string });
        await started[started.length - 1].terminate();
        await rejected;
        if (deaths < 4) expect((await pool.compute(work)).tokens).toBe(4);
      }
      await expect(pool.compute(work)).rejects.toThrow('compute thread ended');
      expect(started).toHaveLength(4);
    } finally {
      await pool.dispose();
    }
  });

  it('refuses a backend that this machine does not have', async () => {
    await expect(createComputePool({ ...settings, backendId: 'abacus/1', threads: 2 })).rejects.toMatchObject({ code: 'failed-precondition' });
  });

  it('rejects work under way when it is disposed of', async () => {
    const pool = await createComputePool({ ...settings, threads: 1 });
    const underWay = pool.compute({ ...work, node: { begin: 0, width: 64 }, microshards: seededWork(64) });
    const rejected = expect(underWay).rejects.toThrow(/ended/);
    await pool.dispose();
    await rejected;
  });

  it('refuses a number of threads that makes no sense', async () => {
    await expect(createComputePool({ ...settings, threads: 0 })).rejects.toThrow('threads: expected 1 to');
  });

  it('refuses parameters of the wrong size', async () => {
    const pool = await createComputePool({ ...settings, threads: 1 });
    try {
      const short = new Float32Array(new SharedArrayBuffer(8));
      await expect(pool.compute({ ...work, parameters: short })).rejects.toThrow(/got 2/);
      expect((await pool.compute(work)).tokens).toBe(4);
    } finally {
      await pool.dispose();
    }
  });
});
