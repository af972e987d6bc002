import { createMicroshardComputer, gradientBytesBounds, layOut, OBJECTIVE_DEFAULTS, type Backend, type MicroshardComputer, type Program } from '@bptt/core';
import { createThreadMemory, openThreadMemory, simdBackend, type MemoryShare } from '@bptt/simd';
import { describe, expect, it } from 'vitest';
import { SharingBackend } from './sharing-backend.js';
import { MODEL, seededMicroshard, sharedParameters } from './testing/fixtures.js';

/** Bytes that kernels take, and no arena of 4 MiB beside them. */
const ROOM_FOR_KERNELS = 2 << 20;
const microshard = seededMicroshard(0);
const parameters = sharedParameters(MODEL, 1);
const computerOf = (backend: Backend): MicroshardComputer => createMicroshardComputer({ backend, model: MODEL, objective: OBJECTIVE_DEFAULTS, seed: 1 });

/** A share of new memory: so many bytes, or all there is. Parameters lie in that memory. */
function shareOf(bytesMax?: number): MemoryShare & { readonly parameters: Float32Array } {
  const memory = createThreadMemory(1);
  const there = memory.allocateFloats(parameters.length);
  there.set(parameters);
  if (memory.share === undefined) throw new Error('no share');
  return { ...memory.share, ...(bytesMax !== undefined && { bytesMax }), parameters: openThreadMemory(memory.shared).floats(there) };
}

describe('SharingBackend', () => {
  it('reads parameters in the memory that it shares without a copy', async () => {
    const share = shareOf();
    const computer = computerOf(new SharingBackend((within) => simdBackend({ within }), share));
    computer.setParameters(share.parameters);
    const { lossSum, tokens } = await computer.evaluate(microshard);
    share.parameters.fill(0);
    // With all parameters zero every word is as likely as any other.
    const { lossSum: uniform } = await computer.evaluate(microshard);
    expect(uniform).toBeCloseTo(tokens * Math.log(MODEL.vocabulary), 4);
    expect(uniform).not.toBeCloseTo(lossSum, 4);
  });

  it('has the gradient of an output layer written where it is wanted in the memory that it shares', async () => {
    const share = shareOf();
    const program: Program = {
      key: 'output layer',
      trace: (o, { weight }, { matrices: { states }, ids: { targets } }) => ({ dWeight: o.linearSoftmaxCrossEntropy({ states, weight, bias: undefined, targets }).dWeight }),
    };
    const backend = new SharingBackend((within) => simdBackend({ within }), share);
    backend.setParameters(layOut([{ name: 'weight', shape: [3, 2] }]), Float32Array.of(1, 2, 3, 4, 5, 6));
    const place = share.parameters.subarray(0, 6);
    const inputs = { matrices: { states: { rows: 1, columns: 2, values: Float32Array.of(1, 1) } }, ids: { targets: Int32Array.of(2) } };
    const { dWeight } = await backend.run(program, inputs, { weight: place });
    expect(dWeight.values).toBe(place);
    expect(place).toEqual((await backend.run(program, inputs)).dWeight.values);
  });

  it('copies parameters that lie elsewhere', async () => {
    const computer = computerOf(new SharingBackend((within) => simdBackend({ within }), shareOf()));
    const elsewhere = sharedParameters(MODEL, 1);
    computer.setParameters(elsewhere);
    const first = await computer.gradient(microshard);
    elsewhere.fill(0);
    expect(await computer.gradient(microshard)).toEqual(first);
  });

  it.each([['for a run', ROOM_FOR_KERNELS], ['for its kernels', 0]])('goes on in memory of its own, to the same bits, where there is no room %s', async (_what, bytesMax) => {
    const own = computerOf(simdBackend());
    own.setParameters(parameters);
    const expected = await own.gradient(microshard);
    const share = shareOf(bytesMax);
    const given: (MemoryShare | undefined)[] = [];
    const computer = computerOf(new SharingBackend((within) => {
      given.push(within);
      return simdBackend({ within });
    }, share));
    computer.setParameters(share.parameters);
    const there = openThreadMemory(share.memory).allocate(gradientBytesBounds(computer.layout)[1] / Float32Array.BYTES_PER_ELEMENT);
    for (let run = 0; run < 2; run += 1) {
      there.fill(NaN);
      expect(await computer.gradient(microshard, {}, new Uint8Array(there.buffer, there.byteOffset, there.byteLength))).toEqual(expected);
    }
    expect(given).toEqual([share, undefined]);
  });

  it('fails with the reason where memory of its own has too little room as well, and where it fails for another', async () => {
    const narrow = computerOf(new SharingBackend((within) => simdBackend({ within, memoryBytesMax: ROOM_FOR_KERNELS }), shareOf(0)));
    expect(() => { narrow.setParameters(parameters); }).toThrow(`expected at most ${String(ROOM_FOR_KERNELS)} bytes`);
    const created: unknown[] = [];
    const wide = computerOf(new SharingBackend((within) => {
      created.push(within);
      return simdBackend({ within });
    }, shareOf()));
    wide.setParameters(parameters);
    await expect(wide.gradient({ ...microshard, inputs: Int32Array.of(1) })).rejects.toThrow(/inputs 1/);
    expect(created).toHaveLength(1);
  });
});
