import { describe, expect, it } from 'vitest';
import { CallQueue } from './call-queue.js';

describe('CallQueue', () => {
  it('runs one call at a time, in their order, past one that fails', async () => {
    const queue = new CallQueue();
    const happened: string[] = [];
    const call = (name: string, fails = false) => queue.run(async () => {
      happened.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      happened.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
    const [a, b, c] = [call('a'), call('b', true), call('c')];
    await expect(b).rejects.toThrow('b');
    expect([await a, await c]).toEqual(['a', 'c']);
    expect(happened).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });
});
