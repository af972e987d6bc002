import { describe, expect, it } from 'vitest';
import { BACKEND_DEVICES, BACKEND_NAMES, backendForId, createBackend, localAdapters, localBackends, localGpu } from './backends.js';

describe('backends', () => {
  it('finds every backend of this machine by its id', async () => {
    const choices = await localBackends();
    const kinds = choices.map(({ id }) => id.split(/-v8|\/|-openblas|-mkl|-blis|-accelerate|-swiftshader/)[0]);
    expect(kinds.filter((kind) => !['simd-relaxed', 'blas'].includes(kind)).slice(0, 4)).toEqual(['reference', 'simd', 'gpu-webasm', 'gpu-cpu']);
    expect(kinds.some((kind) => kind.startsWith('gpu-webgpu'))).toBe((await localAdapters()).length > 0);
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
  ])('takes %s for a backend whose id is like %s', async (name, id) => {
    expect(BACKEND_NAMES).toContain(name);
    expect((await createBackend(name)).id).toMatch(id);
  });

  it('takes for auto the fastest that this machine has', async () => {
    const here = (await localBackends()).map(({ id }) => id);
    const fastest = [/^blas-/, /^simd-relaxed\//, /^simd\//].map((kind) => here.find((id) => kind.test(id))).find((id) => id !== undefined);
    expect((await createBackend('auto')).id).toBe(fastest);
  });

  it('takes for gpu the graphics processor of this machine, and WebAssembly where it has none', async () => {
    const { id, create } = await createBackend('gpu');
    const backend = create();
    expect(id).toMatch((await localGpu()) === undefined ? /^gpu-webasm-/ : /^gpu-webgpu-/);
    expect(backend.executes).toMatch(/WebAssemblyKernel|hardware adapter/);
    backend.dispose();
  });

  it('takes no program for a graphics processor', async () => {
    const gpu = await localGpu();
    const adapters = await localAdapters();
    if (gpu === undefined) expect(adapters.filter(({ software }) => !software)).toEqual([]);
    else expect(adapters).toContainEqual({ ...gpu, software: false });
  });

  it.each(BACKEND_DEVICES)('takes gpu on %s, or says that this machine cannot', async (device) => {
    const choice = createBackend('gpu', device);
    if (device === 'webgpu' && (await localAdapters()).length === 0) await expect(choice).rejects.toMatchObject({ code: 'failed-precondition', message: expect.stringContaining('expected an adapter, got none') as unknown });
    else expect((await choice).id).toMatch(new RegExp(`^gpu-${device}-`));
  });

  it('says who executes plans of gpu.js, and why none is fused, before anything ran', async () => {
    const backends = [(await createBackend('gpu', 'webasm')).create(), (await createBackend('gpu', 'cpu')).create()];
    expect(backends.map(({ executes }) => executes)).toEqual(['gpu.js WebAssemblyKernel, fused-sync plans', 'gpu.js CPUKernel, generic plans (pipeline backend is cpu; the fused executor requires webasm)']);
    for (const backend of backends) backend.dispose();
  });

  it.each(['auto', 'simd', 'reference', 'gpu-cpu-v8-1.0/1'])('refuses a device beside %s, which has none to choose', async (name) => {
    await expect(createBackend(name, 'cpu')).rejects.toMatchObject({ code: 'invalid-argument', message: `device: expected none beside the backend ${name}, for gpu alone has several, got cpu` });
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
