import { describe, expect, it } from 'vitest';
import { Worker } from 'node:worker_threads';
import { KernelMemory } from './kernel-memory.js';

const MIB = 1 << 20;

describe('KernelMemory', () => {
  it('keeps addresses, values and views when it grows', () => {
    const memory = KernelMemory.create(64 * MIB);
    const address = memory.allocate(12);
    const before = memory.floats(address, 3);
    before.set([1, 2, 3]);
    const large = memory.allocate(32 * MIB);
    memory.floats(large, 8 * MIB).fill(9);
    expect([...memory.floats(address, 3)]).toEqual([1, 2, 3]);
    expect([...before]).toEqual([1, 2, 3]);
  });

  it('knows its views from those of others, whoever of this thread made them and however it has grown since', () => {
    const memory = KernelMemory.create(64 * MIB);
    const same = new KernelMemory(memory.memory, 64 * MIB);
    const views = [memory.allocateFloats(1)];
    same.allocate(32 * MIB);
    views.push(memory.allocateFloats(1), same.allocateFloats(1));
    const other = KernelMemory.create(MIB);
    for (const view of [...views, ...views.map((values) => values.subarray(1))]) expect([memory.holds(view), same.holds(view), other.holds(view)]).toEqual([true, true, false]);
    expect(memory.holds(new Float32Array(new SharedArrayBuffer(4)))).toBe(false);
  });

  it('refuses what passes its maximum and takes nothing for it', () => {
    const memory = KernelMemory.create(MIB);
    const taken = memory.bytesTaken;
    expect(() => memory.allocate(2 * MIB)).toThrow('simd memory: expected at most 1048576 bytes, got a need of');
    expect(memory.bytesTaken).toBe(taken);
  });

  it('deals out to two threads at once what does not overlap', async () => {
    const memory = KernelMemory.create(256 * MIB);
    const script = `
      const { parentPort, workerData: { memory, url } } = require('node:worker_threads');
      import(url).then(({ KernelMemory }) => {
        const shared = new KernelMemory(memory, ${String(256 * MIB)});
        parentPort.postMessage(Array.from({ length: 300 }, (_, i) => shared.allocate(1000 + 37 * i)));
      });`;
    const url = new URL('../dist/kernel-memory.js', import.meta.url).href;
    const theirs = new Promise<number[]>((resolve, reject) => {
      new Worker(script, { eval: true, workerData: { memory: memory.memory, url }, execArgv: [] }).once('message', resolve).once('error', reject);
    });
    const own: number[] = [];
    for (let i = 0; i < 300; i += 1) {
      own.push(memory.allocate(1000 + 37 * i));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const spans = [own, await theirs].flatMap((addresses) => addresses.map((address, i) => ({ address, end: address + 1000 + 37 * i }))).sort((a, b) => a.address - b.address);
    for (let i = 1; i < spans.length; i += 1) expect(spans[i].address).toBeGreaterThanOrEqual(spans[i - 1].end);
  });
});
