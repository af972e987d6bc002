import { referenceBackend, type Backend } from '@bptt/core';
import { simdBackend } from '@bptt/simd';

/** The backends that every machine has, and that load quickly. */
export const EMBEDDED_BACKENDS: Readonly<Record<'reference' | 'simd', () => Backend>> = {
  reference: () => referenceBackend({ precision: 'float32' }),
  simd: () => simdBackend(),
};

/** The embedded backend with that id, made; undefined where none has it. */
export function createEmbeddedBackend(id: string): Backend | undefined {
  for (const create of Object.values(EMBEDDED_BACKENDS)) {
    const backend = create();
    if (backend.id === id) return backend;
    backend.dispose();
  }
  return undefined;
}
