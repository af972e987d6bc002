import { describe, expect, it } from 'vitest';
import type { Plan } from './plan.js';
import { createPlanCache, type PlanCache } from './plan-cache.js';

function recordingCache(plansMax: number): { cache: PlanCache; log: string[]; obtain: (key: string) => Plan } {
  const log: string[] = [];
  const cache = createPlanCache(plansMax);
  const compile = (key: string): Plan => {
    log.push(`compile ${key}`);
    return { executor: undefined, run: () => Promise.resolve({}), dispose: () => { log.push(`dispose ${key}`); } };
  };
  return { cache, log, obtain: (key) => cache.obtain(key, () => compile(key)) };
}

describe('createPlanCache()', () => {
  it('compiles a key once', () => {
    const { log, obtain } = recordingCache(2);
    expect(obtain('a')).toBe(obtain('a'));
    expect(log).toEqual(['compile a']);
  });

  it('drops the plan that was not used for longest, and disposes of it', () => {
    const { cache, log, obtain } = recordingCache(2);
    for (const key of ['a', 'b', 'a', 'c']) obtain(key);
    expect(cache.keys()).toEqual(['a', 'c']);
    expect(log).toEqual(['compile a', 'compile b', 'compile c', 'dispose b']);
  });

  it('keeps what it held when compiling fails', () => {
    const { cache, obtain } = recordingCache(1);
    obtain('a');
    expect(() => cache.obtain('b', () => { throw new Error('no'); })).toThrow('no');
    expect(cache.keys()).toEqual(['a']);
  });

  it('disposes of every plan', () => {
    const { cache, log, obtain } = recordingCache(3);
    obtain('a');
    obtain('b');
    cache.dispose();
    expect(cache.keys()).toEqual([]);
    expect(log.slice(2)).toEqual(['dispose a', 'dispose b']);
  });
});
