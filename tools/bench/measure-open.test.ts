import { describe, expect, it } from 'vitest';
import { absent } from './contender.js';
import { measureOpen } from './measure-open.js';

describe('entrants', () => {
  const log: string[] = [];
  const here = (name: string): { readonly name: string; open(): Promise<{ close(): Promise<void> }> } => ({
    name,
    open: () => Promise.resolve({
      close: () => {
        log.push(`close ${name}`);
        return Promise.resolve();
      },
    }),
  });
  const skip = (name: string, reason: string): string => `${name}: ${reason}`;

  it('have a row each in their order, those that are not here with the reason', async () => {
    const rows = await measureOpen([absent('a', 'not here'), here('b'), absent('c', 'too slow'), here('d')], (open) => Promise.resolve(open.map(({ entrant }) => `${entrant.name} measured`)), skip);
    expect(rows).toEqual(['a: not here', 'b measured', 'c: too slow', 'd measured']);
    expect(log.splice(0)).toEqual(['close b', 'close d']);
  });

  it('are closed where one fails, and that is no reason to skip it', async () => {
    await expect(measureOpen([here('a'), { name: 'b', open: () => Promise.reject(new Error('broken')) }], () => Promise.resolve([]), skip)).rejects.toThrow('broken');
    expect(log.splice(0)).toEqual(['close a']);
  });
});
