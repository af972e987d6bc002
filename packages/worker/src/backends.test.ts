import { describe, expect, it } from 'vitest';
import { BACKEND_NAMES, backendForId, createBackend, localBackends } from './backends.js';

describe('backends', () => {
  it('finds every backend of this machine by its id', async () => {
    const choices = await localBackends();
    expect(choices.length).toBeGreaterThanOrEqual(2);
    for (const { id } of choices) {
      const backend = (await backendForId(id)).create();
      expect(backend.id).toBe(id);
      expect(backend.executes).not.toBe('');
      backend.dispose();
      expect((await createBackend(id)).id).toBe(id);
    }
  });

  it.each([
    ['reference', /^reference\//],
    ['simd', /^simd\//],
    ['simd-relaxed', /^simd-relaxed\//],
    ['gpu', /^gpu-webasm/],
  ])('takes %s for a backend whose id is like %s', async (name, id) => {
    expect(BACKEND_NAMES).toContain(name);
    expect((await createBackend(name)).id).toMatch(id);
  });

  it('takes for auto the fastest that this machine has', async () => {
    const here = (await localBackends()).map(({ id }) => id);
    const fastest = [/^blas-/, /^simd-relaxed\//, /^simd\//].map((kind) => here.find((id) => kind.test(id))).find((id) => id !== undefined);
    expect((await createBackend('auto')).id).toBe(fastest);
  });

  it('names both ids where the run needs a backend that this machine does not have', async () => {
    await expect(backendForId('simd/999')).rejects.toThrow(
      expect.objectContaining({ code: 'failed-precondition', message: expect.stringMatching(/the run needs simd\/999, this machine has reference\/1, simd\//) as string }) as Error,
    );
  });

  it.each(['abacus', '', 'toString', 'simd/999'])('refuses %j as a backend, naming those that there are', async (name) => {
    await expect(createBackend(name)).rejects.toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining('reference, simd, simd-relaxed, blas, gpu') as string }) as Error);
  });
});
