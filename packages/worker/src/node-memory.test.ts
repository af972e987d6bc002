import { BlockPool, createThreadMemory } from '@bptt/simd';
import { describe, expect, it } from 'vitest';
import { NodeMemory } from './node-memory.js';

/** A pool that counts its blocks. */
function countedPool(): { pool: BlockPool; blocks: number[] } {
  const blocks: number[] = [];
  const memory = createThreadMemory(1);
  return { pool: new BlockPool(64, { allocate: (bytes) => memory.allocateBytes(bytes), onBlock: (bytes) => { blocks.push(bytes); } }), blocks };
}

describe('NodeMemory', () => {
  it('gives back all that is left of an abandoned node, and nothing twice', async () => {
    const { pool, blocks } = countedPool();
    for (let round = 0; round < 5; round += 1) {
      const memory = new NodeMemory(pool);
      const [first] = [memory.take(8), memory.take(8), memory.take(8)];
      memory.giveBack(first);
      await memory.abandon();
    }
    expect(blocks).toHaveLength(3);
  });

  it('waits for the jobs that may still write there, however they end', async () => {
    const { pool, blocks } = countedPool();
    const memory = new NodeMemory(pool);
    memory.take(8);
    let fail: (error: Error) => void = () => undefined;
    const job = memory.during(new Promise<never>((_resolve, reject) => { fail = reject; }));
    const abandoned = memory.abandon();
    new NodeMemory(pool).take(8);
    expect(blocks).toHaveLength(2);
    fail(new Error('the thread died'));
    await expect(job).rejects.toThrow('the thread died');
    await abandoned;
    new NodeMemory(pool).take(8);
    expect(blocks).toHaveLength(2);
  });
});
