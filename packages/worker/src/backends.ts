import { BpttError, type Backend } from '@bptt/core';
import { gpuBackend } from '@bptt/kernels';
import { EMBEDDED_BACKENDS } from './embedded-backends.js';

export const BACKEND_NAMES = ['auto', 'reference', 'simd', 'gpu'] as const;
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

const FASTEST: LocalName = 'simd';

const LOCAL: Readonly<Record<LocalName, () => Backend>> = {
  ...EMBEDDED_BACKENDS,
  gpu: () => gpuBackend({ mode: 'webasm' }),
};

/**
 * The backend of this machine with that name or id; `auto` is the fastest.
 * @throws BpttError `invalid-argument` where neither a name nor an id of this machine is given, `failed-precondition` where this
 *   machine cannot run the backend of that name
 */
export function createBackend(nameOrId: string): BackendChoice {
  if (nameOrId === 'auto') return choose(FASTEST);
  const choice = isLocalName(nameOrId) ? choose(nameOrId) : findById(nameOrId);
  if (choice !== undefined) return choice;
  throw new BpttError('invalid-argument', `backend: expected ${BACKEND_NAMES.join(', ')} or an id of this machine (${idsHere()}), got ${JSON.stringify(nameOrId)}`);
}

/**
 * The backend of this machine with exactly that id.
 * @throws BpttError `failed-precondition`, naming the id and those of this machine
 */
export function backendForId(id: string): BackendChoice {
  const choice = findById(id);
  if (choice !== undefined) return choice;
  throw new BpttError('failed-precondition', `backend: the run needs ${id}, this machine has ${idsHere()}`);
}

/** Every backend that this machine can run. */
export function localBackends(): BackendChoice[] {
  return Object.keys(LOCAL).filter(isLocalName).map(chooseIfAble).filter((choice) => choice !== undefined);
}

/** Stops at the first that fits, so that no other backend need be made. */
function findById(id: string): BackendChoice | undefined {
  for (const name of Object.keys(LOCAL).filter(isLocalName)) {
    const choice = chooseIfAble(name);
    if (choice?.id === id) return choice;
  }
  return undefined;
}

function chooseIfAble(name: LocalName): BackendChoice | undefined {
  try {
    return choose(name);
  } catch (error) {
    if (error instanceof BpttError && error.code === 'failed-precondition') return undefined;
    throw error;
  }
}

const idByName = new Map<LocalName, string>();

function choose(name: LocalName): BackendChoice {
  const create = LOCAL[name];
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

function idsHere(): string {
  return localBackends().map(({ id }) => id).join(', ');
}
