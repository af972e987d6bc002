import { BpttError } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { pause, unlessAborted, withRetries, type Backoff } from './backoff.js';

const QUICK: Backoff = { firstMs: 1, mostMs: 2, failuresMax: 4 };
const never = new AbortController().signal;

/** A call that fails with `code` so many times, and then succeeds. */
function failing(times: number, code: 'unavailable' | 'deadline-exceeded' | 'data-loss'): { call: () => Promise<number>; calls: () => number } {
  let calls = 0;
  const call = (): Promise<number> => {
    calls += 1;
    return calls > times ? Promise.resolve(calls) : Promise.reject(new BpttError(code, `failure ${String(calls)}`));
  };
  return { call, calls: () => calls };
}

describe('withRetries', () => {
  it.each(['unavailable', 'deadline-exceeded'] as const)('repeats a call that failed with %s until it succeeds', async (code) => {
    expect(await withRetries(failing(3, code).call, QUICK, never)).toBe(4);
  });

  it('gives up with the last error after as many failures as are allowed', async () => {
    const { call, calls } = failing(10, 'unavailable');
    await expect(withRetries(call, QUICK, never)).rejects.toThrow('failure 4');
    expect(calls()).toBe(4);
  });

  it('does not repeat a call that failed for good', async () => {
    const { call, calls } = failing(1, 'data-loss');
    await expect(withRetries(call, QUICK, never)).rejects.toThrow('failure 1');
    expect(calls()).toBe(1);
  });

  it('ends with cancelled when it is stopped in a call or in a wait', async () => {
    const controller = new AbortController();
    const inCall = withRetries(() => new Promise(() => undefined), QUICK, controller.signal);
    const inWait = withRetries(failing(9, 'unavailable').call, { firstMs: 600_000, mostMs: 600_000, failuresMax: 9 }, controller.signal);
    setImmediate(() => { controller.abort(); });
    await expect(inCall).rejects.toMatchObject({ code: 'cancelled' });
    await expect(inWait).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('unlessAborted', () => {
  it('passes on what the promise becomes', async () => {
    expect(await unlessAborted(Promise.resolve('result'), never)).toBe('result');
    await expect(unlessAborted(Promise.reject(new Error('reason')), never)).rejects.toThrow('reason');
  });

  it('rejects at once where it was stopped before', async () => {
    await expect(unlessAborted(new Promise(() => undefined), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('pause', () => {
  it('waits at most the longest time however many failures there were', async () => {
    await expect(pause({ firstMs: 1, mostMs: 3, failuresMax: 1e9 }, 1e9, never)).resolves.toBeUndefined();
  });
});
