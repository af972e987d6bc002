import {
  createMicroshardComputer, gradientBytesBounds, initializeParameters, layOut, type Backend, type HostMatrix, type Ids, type Matrix, type Operations, type Program,
} from '@bptt/core';
import { describeBackend, describeGoldenModels, objective, randomMicroshard, randomValues, smallModel } from '@bptt/core/testing';
import { describe, expect, it } from 'vitest';
import { SIMD_BUILDS } from './kernels.js';
import { simdBackend } from './simd-backend.js';

const MIB = 1 << 20;
const NOTHING = { matrices: {}, ids: {} };

for (const build of SIMD_BUILDS) {
  describeBackend(build, () => simdBackend({ build }));
  describeGoldenModels(build, () => simdBackend({ build }));
}

function matrix(rows: number, columns: number, seed: number): HostMatrix {
  return { rows, columns, values: Float32Array.from(randomValues(rows * columns, seed)) };
}

const product: Program = { key: 'product', trace: (operations, _, { matrices: { a, b } }) => ({ y: operations.matMul(a, b) }) };

describe('simdBackend', () => {
  it('says what it is', () => {
    const said = SIMD_BUILDS.map((build) => simdBackend({ build })).map(({ id, executes }) => [id, executes]);
    expect(said).toEqual([['simd/3', 'WebAssembly SIMD'], ['simd-relaxed/2', 'WebAssembly relaxed SIMD']]);
  });

  it('gives a product with a parameter the bits of one with an input, also with the next parameters', async () => {
    const layout = layOut([{ name: 'w', shape: [70, 300] }]);
    const program: Program = {
      key: 'parameter',
      trace: (o, { w }, { matrices: { w: input, a, b } }) => ({
        plain: o.matMul(a, w), transposed: o.matMul(b, w, { transposeB: true }), again: o.matMul(a, w), plainInput: o.matMul(a, input), transposedInput: o.matMul(b, input, { transposeB: true }),
      }),
    };
    for (const build of SIMD_BUILDS) {
      const backend = simdBackend({ build });
      for (const seed of [1, 2]) {
        const w = matrix(70, 300, seed);
        backend.setParameters(layout, w.values);
        const { plain, transposed, again, plainInput, transposedInput } = await backend.run(program, { matrices: { w, a: matrix(13, 70, 3), b: matrix(6, 300, 4) }, ids: {} });
        expect(plain.values).toEqual(plainInput.values);
        expect(again.values).toEqual(plainInput.values);
        expect(transposed.values).toEqual(transposedInput.values);
      }
    }
  });

  it('reads parameters that lie in its memory without a copy, with the bits of a copy', async () => {
    const layout = layOut([{ name: 'b', shape: [3] }, { name: 'w', shape: [70, 300] }]);
    const program: Program = { key: 'read', trace: (o, { w, b }, { matrices: { a } }) => ({ y: o.matMul(a, w), b: o.addRow(o.zeros(2, 3), b) }) };
    const inputs = { matrices: { a: matrix(13, 70, 3) }, ids: {} };
    const [backend, other] = [simdBackend(), simdBackend()];
    const values = backend.workspace?.allocate(layout.size) ?? new Float32Array();
    for (const seed of [1, 2]) {
      values.set(matrix(1, layout.size, seed).values);
      backend.setParameters(layout, values);
      other.setParameters(layout, values.slice());
      const [got, want] = [await backend.run(program, inputs), await other.run(program, inputs)];
      expect([...got.y.values, ...got.b.values]).toEqual([...want.y.values, ...want.b.values]);
    }
    const before = backend.memoryBytes;
    backend.setParameters(layout, values);
    expect(backend.memoryBytes).toBe(before);
  });

  it('writes the gradient of an output layer where it is wanted in its memory, once a run, with the bits of any other place', async () => {
    const layout = layOut([{ name: 'w', shape: [30, 10] }]);
    const layer = (o: Operations, w: Matrix, states: Matrix, targets: Ids) => o.linearSoftmaxCrossEntropy({ states, weight: w, bias: undefined, targets });
    const program: Program = {
      key: 'output layer twice',
      trace: (o, { w }, { matrices: { a, b }, ids: { targets } }) => ({ first: layer(o, w, a, targets).dWeight, second: layer(o, w, b, targets).dWeight }),
    };
    const inputs = { matrices: { a: matrix(6, 10, 2), b: matrix(6, 10, 3) }, ids: { targets: Int32Array.of(3, 1, -1, 29, 0, 7) } };
    const [backend, other] = [simdBackend(), simdBackend()];
    for (const each of [backend, other]) each.setParameters(layout, matrix(30, 10, 1).values);
    const place = backend.workspace?.allocate(layout.size) ?? new Float32Array();
    const want = await other.run(program, inputs, { w: new Float32Array(layout.size) });
    for (let run = 0; run < 2; run += 1) {
      const got = await backend.run(program, inputs, { w: place });
      expect(place).toEqual(want.first.values);
      expect([got.first.values === place, got.second.values === place]).toEqual([true, false]);
      expect(got.second.values).toEqual(want.second.values);
      place.fill(NaN);
    }
  });

  it('gives a gradient that is written into its memory the bits of one that is copied out, whatever the head', async () => {
    for (const model of [smallModel(), smallModel({ input: 'embedding', embedding: 5, tied: true }), smallModel({ head: { kind: 'adaptive', cutoffs: [2, 4], divValue: 2 } })]) {
      const backend = simdBackend();
      const computer = createMicroshardComputer({ backend, model, objective: objective(), seed: 1 });
      computer.setParameters(Float32Array.from(initializeParameters(model, 1)));
      const microshard = randomMicroshard({ vocabulary: model.vocabulary, lengths: [5, 3, 4] });
      const { gradient } = await computer.gradient(microshard);
      const place = backend.workspace?.allocate(gradientBytesBounds(computer.layout)[1] / 4).fill(NaN) ?? new Float32Array();
      const placed = await computer.gradient(microshard, {}, new Uint8Array(place.buffer, place.byteOffset, place.byteLength));
      expect(placed.gradient).toEqual(gradient);
      expect(placed.gradient?.dense.byteOffset).toBe(place.byteOffset);
    }
  });

  it('keeps parameters and handles good while its memory grows', async () => {
    const backend = simdBackend();
    const values = Float32Array.of(1, 2, 3, 4);
    backend.setParameters(layOut([{ name: 'w', shape: [2, 2] }]), values);
    const program: Program = {
      key: 'growing',
      trace: (operations, { w }, { matrices: { a } }) => {
        const before = operations.matMul(a, w);
        const large = operations.zeros(4096, 4096);
        return { before, after: operations.matMul(a, w), corner: operations.rows(large, 4095, 4096) };
      },
    };
    const { before, after, corner } = await backend.run(program, { matrices: { a: { rows: 1, columns: 2, values: Float32Array.of(10, 1) } }, ids: {} });
    expect([...before.values]).toEqual([13, 24]);
    expect([...after.values]).toEqual([13, 24]);
    expect(corner.values).toEqual(new Float32Array(4096));
  });

  it('refuses to pass its maximum of memory, and works on afterwards', async () => {
    const backend = simdBackend({ memoryBytesMax: 8 * MIB });
    const large: Program = { key: 'large', trace: (operations) => ({ y: operations.zeros(2048, 2048) }) };
    await expect(backend.run(large, NOTHING)).rejects.toMatchObject({ code: 'resource-exhausted', message: expect.stringMatching(/expected at most 8388608 bytes, got a need of \d{8}/) as string });
    const inputs = { matrices: { a: matrix(3, 4, 1), b: matrix(4, 2, 2) }, ids: {} };
    expect((await backend.run(product, inputs)).y.values).toEqual((await simdBackend().run(product, inputs)).y.values);
    expect(() => simdBackend({ memoryBytesMax: 1000 })).toThrow('simd memory: expected');
  });

  it('takes no more memory for the thousandth run than for the first', async () => {
    const backend = simdBackend({ memoryBytesMax: 8 * MIB });
    const inputs = { matrices: { a: matrix(64, 64, 1), b: matrix(64, 64, 2) }, ids: {} };
    for (let i = 0; i < 1000; i += 1) await backend.run(product, inputs);
    expect((await backend.run(product, inputs)).y.rows).toBe(64);
  });

  it('gives zeros although memory is used again', async () => {
    const backend = simdBackend();
    const inputs = { matrices: { a: matrix(16, 16, 1), b: matrix(16, 16, 2) }, ids: {} };
    await backend.run(product, inputs);
    const { y } = await backend.run({ key: 'zeros', trace: (operations) => ({ y: operations.zeros(30, 30) }) }, NOTHING);
    expect(y.values).toEqual(new Float32Array(900));
  });

  it('replaces parameters by others of another layout', async () => {
    const backend = simdBackend();
    const read: Program = { key: 'read', trace: (_, parameters) => ({ ...parameters }) };
    backend.setParameters(layOut([{ name: 'u', shape: [100] }]), new Float32Array(100).fill(1));
    backend.setParameters(layOut([{ name: 'w', shape: [3] }]), Float32Array.of(7, 8, 9));
    const results = await backend.run(read, NOTHING);
    expect(Object.keys(results)).toEqual(['w']);
    expect([...results.w.values]).toEqual([7, 8, 9]);
  });

  it('gives the bits of another instance, whatever each has run before', async () => {
    const fresh = await trainingBits(simdBackend());
    const used = simdBackend();
    await used.run(product, { matrices: { a: matrix(90, 300, 1), b: matrix(300, 80, 2) }, ids: {} });
    await trainingBits(used, 8);
    expect(await trainingBits(used)).toEqual(fresh);
  });

  it('refuses float64 values and lengths that do not fit', async () => {
    const backend = simdBackend();
    const layout = layOut([{ name: 'w', shape: [2, 2] }]);
    expect(() => { backend.setParameters(layout, new Float64Array(4)); }).toThrow('setParameters: expected a Float32Array, got a Float64Array');
    expect(() => { backend.setParameters(layout, new Float32Array(3)); }).toThrow('setParameters: expected 4 values, got 3');
    const b = matrix(2, 2, 1);
    await expect(backend.run(product, { matrices: { a: { ...b, values: new Float64Array(4) }, b }, ids: {} })).rejects.toThrow('expected input a as a Float32Array');
    await expect(backend.run(product, { matrices: { a: { ...b, rows: 3 }, b }, ids: {} })).rejects.toThrow('expected 6 values for input a [3, 2], got 4');
    expect(() => simdBackend({ memoryBytesMax: 2 ** 40 })).toThrow('expected memoryBytesMax from 1 to');
  });

  it('refuses a handle of an earlier run, of another backend, and any call after dispose', async () => {
    const backend = simdBackend();
    const kept: Matrix[] = [];
    const keep: Program = { key: 'keep', trace: (operations) => ({ y: (kept[0] = operations.zeros(1, 1)) }) };
    await backend.run(keep, NOTHING);
    await expect(backend.run({ key: 'stale', trace: (operations) => ({ y: operations.sumRows(kept[0]) }) }, NOTHING)).rejects.toThrow('sumRows: expected a matrix of run 2, got one of run 1');
    await expect(backend.run({ key: 'foreign', trace: (operations) => ({ y: operations.sumRows({ rows: 1, columns: 1 }) }) }, NOTHING)).rejects.toThrow('of another backend');
    backend.dispose();
    await expect(backend.run(keep, NOTHING)).rejects.toThrow('run: expected an open backend');
  });
});

/** Loss and gradient of a small model on `backend`. */
async function trainingBits(backend: Backend, seed = 1): Promise<unknown> {
  const model = smallModel({ vocabulary: 40, hidden: [9, 9] });
  const computer = createMicroshardComputer({ backend, model, objective: objective({ truncation: { kind: 'window', k: 3 } }), seed: 1 });
  computer.setParameters(initializeParameters(model, seed));
  return computer.gradient(randomMicroshard({ vocabulary: 40, lengths: [9, 5, 7], seed }));
}
