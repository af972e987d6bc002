import { expect, it } from 'vitest';
import { inTime } from './in-time.js';

it('what comes in time is returned, and what does not is an error that names it', async () => {
  expect(await inTime(Promise.resolve(7), 'answer', 10_000)).toBe(7);
  await expect(inTime(Promise.reject(new Error('broken')), 'answer', 10_000)).rejects.toThrow('broken');
  await expect(inTime(new Promise(() => undefined), 'answer', 5)).rejects.toThrow('no answer within 5 ms');
});
