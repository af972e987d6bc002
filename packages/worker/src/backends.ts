import { BpttError, referenceBackend, type Backend } from '@bptt/core';
import { simdBackend } from '@bptt/simd';

export const BACKEND_NAMES = ['auto', 'reference', 'simd', 'simd-relaxed', 'blas', 'gpu'] as const;
/** How a backend is called on the command line. `auto`: the fastest of this machine, or on a worker the one of the run. */
export type BackendName = (typeof BACKEND_NAMES)[number];

/** A backend that this machine has, not yet made. */
export interface BackendChoice {
  /** Names everything that the bits of a result depend on; pinned for a run. */
  readonly id: string;
  /** Makes an instance for the calling thread. */
  create(): Backend;
}

type LocalName = Exclude<BackendName, 'auto'>;

/** What `auto` chooses among, the fastest first; the last is always there. */
export const FASTEST_FIRST = ['blas', 'simd-relaxed', 'simd'] as const satisfies readonly LocalName[];

/** What makes each backend. gpu.js is large and takes seconds to load, and BLAS loads native code, so they are loaded only where they are asked for. */
const LOCAL: Readonly<Record<LocalName, () => Promise<() => Backend>>> = {
  reference: () => Promise.resolve(() => referenceBackend({ precision: 'float32' })),
  simd: () => Promise.resolve(() => simdBackend()),
  'simd-relaxed': () => Promise.resolve(() => simdBackend({ build: 'simd-relaxed' })),
  blas: async () => {
    const { blasBackend } = await import('@bptt/blas');
    return () => blasBackend();
  },
  gpu: async () => {
    const { gpuBackend } = await import('@bptt/kernels');
    return () => gpuBackend({ mode: 'webasm' });
  },
};

/**
 * The backend of this machine with that name or id; `auto` is the fastest.
 * @throws BpttError `invalid-argument` where neither a name nor an id of this machine is given, `failed-precondition` where this
 *   machine cannot run the backend of that name
 */
export async function createBackend(nameOrId: string): Promise<BackendChoice> {
  if (nameOrId === 'auto') return fastest();
  const choice = isLocalName(nameOrId) ? await choose(nameOrId) : await findById(nameOrId);
  if (choice !== undefined) return choice;
  throw new BpttError('invalid-argument', `backend: expected ${BACKEND_NAMES.join(', ')} or an id of this machine (${await idsHere()}), got ${JSON.stringify(nameOrId)}`);
}

async function fastest(): Promise<BackendChoice> {
  for (const name of FASTEST_FIRST) {
    const choice = await chooseIfAble(name);
    if (choice !== undefined) return choice;
  }
  throw new BpttError('failed-precondition', `backend: expected one of ${FASTEST_FIRST.join(', ')} on this machine, found none`);
}

/**
 * The backend of this machine with exactly that id.
 * @throws BpttError `failed-precondition`, naming the id and those of this machine
 */
export async function backendForId(id: string): Promise<BackendChoice> {
  const choice = await findById(id);
  if (choice !== undefined) return choice;
  throw new BpttError('failed-precondition', `backend: the run needs ${id}, this machine has ${await idsHere()}`);
}

/** Every backend that this machine can run. */
export async function localBackends(): Promise<BackendChoice[]> {
  const choices = await Promise.all(Object.keys(LOCAL).filter(isLocalName).map(chooseIfAble));
  return choices.filter((choice) => choice !== undefined);
}

/** Stops at the first that fits, so that no other backend need be loaded or made. */
async function findById(id: string): Promise<BackendChoice | undefined> {
  for (const name of Object.keys(LOCAL).filter(isLocalName)) {
    const choice = await chooseIfAble(name);
    if (choice?.id === id) return choice;
  }
  return undefined;
}

async function chooseIfAble(name: LocalName): Promise<BackendChoice | undefined> {
  try {
    return await choose(name);
  } catch (error) {
    if (error instanceof BpttError && error.code === 'failed-precondition') return undefined;
    throw error;
  }
}

const idByName = new Map<LocalName, string>();

async function choose(name: LocalName): Promise<BackendChoice> {
  const create = await LOCAL[name]();
  let id = idByName.get(name);
  if (id === undefined) {
    const probe = create();
    ({ id } = probe);
    probe.dispose();
    idByName.set(name, id);
  }
  return { id, create };
}

function isLocalName(name: string): name is LocalName {
  return Object.hasOwn(LOCAL, name);
}

async function idsHere(): Promise<string> {
  return (await localBackends()).map(({ id }) => id).join(', ');
}
