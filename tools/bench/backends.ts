import { createBackend, FASTEST_FIRST } from '@bptt/worker';
import { asUnavailable, Unavailable } from './contender.js';

/** Backends that the benchmark asks for, whether this version and this machine have them or not. */
export const BACKENDS = ['reference', 'simd', 'simd-relaxed', 'blas', 'gpu'] as const;
/** Those that a run uses for its speed, from slow to fast. */
export const FAST_BACKENDS: readonly string[] = FASTEST_FIRST.toReversed();

/** The id of a backend of this machine. @throws Unavailable where it, or this version, has none of that name */
export async function backendIdOf(name: string): Promise<string> {
  try {
    return (await createBackend(name)).id;
  } catch (error) {
    throw asUnavailable(error) ?? error;
  }
}

/** The name of the one that `auto` takes on this machine. */
export async function fastestBackend(): Promise<string> {
  for (const backend of FASTEST_FIRST) {
    try {
      await backendIdOf(backend);
      return backend;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }
  throw new Error(`expected one of ${FASTEST_FIRST.join(', ')}, this machine has none`);
}
