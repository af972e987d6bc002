import { BpttError, referenceBackend, type Backend } from '@bptt/core';
import type { Adapter } from '@bptt/kernels';
import { simdBackend, type MemoryShare } from '@bptt/simd';
import { sharing } from './sharing-backend.js';

export const BACKEND_NAMES = ['auto', 'reference', 'simd', 'simd-relaxed', 'blas', 'gpu'] as const;
/** How a backend is called on the command line. `auto`: the fastest of this machine, or on a worker the one of the run. */
export type BackendName = (typeof BACKEND_NAMES)[number];

export const BACKEND_DEVICES = ['webasm', 'cpu', 'webgpu'] as const;
/** What the backend `gpu` computes on: the modes that gpu.js has in Node. */
export type BackendDevice = (typeof BACKEND_DEVICES)[number];

/** A backend that this machine has, not yet made. */
export interface BackendChoice {
  /** Names everything that the bits of a result depend on; pinned for a run. */
  readonly id: string;
  readonly create: CreateBackend;
}

/** Makes an instance for the calling thread. @param share memory to work in, so that what lies there is read without a copy; for backends that can */
export type CreateBackend = (share?: MemoryShare) => Backend;

/** A backend, and of `gpu` the device. */
type LocalName = Exclude<BackendName, 'auto' | 'gpu'> | `gpu-${BackendDevice}`;

interface LocalBackend {
  /** How every id of it begins. */
  readonly ids: string;
  /** What makes it. */
  readonly load: () => Promise<CreateBackend>;
}

/** What `auto` chooses among, the fastest first; the last is always there. */
export const FASTEST_FIRST = ['blas', 'simd-relaxed', 'simd'] as const satisfies readonly LocalName[];

/** gpu.js is large and takes seconds to load, and BLAS loads native code, so they are loaded only where they are asked for. */
const LOCAL: Readonly<Record<LocalName, LocalBackend>> = {
  reference: { ids: 'reference/', load: () => Promise.resolve(() => referenceBackend({ precision: 'float32' })) },
  simd: { ids: 'simd/', load: () => Promise.resolve(sharing((within) => simdBackend({ within }))) },
  'simd-relaxed': { ids: 'simd-relaxed/', load: () => Promise.resolve(sharing((within) => simdBackend({ build: 'simd-relaxed', within }))) },
  blas: { ids: 'blas-', load: loadBlas },
  'gpu-webasm': { ids: 'gpu-webasm-', load: () => loadGpu('webasm') },
  'gpu-cpu': { ids: 'gpu-cpu-', load: () => loadGpu('cpu') },
  'gpu-webgpu': { ids: 'gpu-webgpu-', load: () => loadGpu('webgpu') },
};

async function loadBlas(): Promise<CreateBackend> {
  const { blasBackend } = await import('@bptt/blas');
  return sharing((within) => blasBackend({ within }));
}

async function loadGpu(mode: BackendDevice): Promise<CreateBackend> {
  const { gpuBackend, openAdapter, probeExecutor } = await import('@bptt/kernels');
  const options = mode === 'webgpu' ? { mode, adapter: await openAdapter() } : { mode };
  const executor = await probeExecutor(options);
  return () => gpuBackend({ ...options, executor });
}

/**
 * The backend of this machine with that name or id; `auto` is the fastest.
 * @param device what `gpu` computes on; default: the graphics processor of this machine, `webasm` where it has none
 * @throws BpttError `invalid-argument` where neither a name nor an id of this machine is given, or a device beside another name than `gpu`;
 *   `failed-precondition` where this machine cannot run the backend of that name
 */
export async function createBackend(nameOrId: string, device?: BackendDevice): Promise<BackendChoice> {
  assertDevice(nameOrId, device);
  if (nameOrId === 'auto') return fastest();
  if (nameOrId === 'gpu') return choose(`gpu-${device ?? ((await localGpu()) === undefined ? 'webasm' : 'webgpu')}`);
  const choice = isLocalName(nameOrId) ? await choose(nameOrId) : await findById(nameOrId);
  if (choice !== undefined) return choice;
  throw new BpttError('invalid-argument', `backend: expected ${BACKEND_NAMES.join(', ')} or an id of this machine (${await idsHere(nameOrId)}), got ${JSON.stringify(nameOrId)}`);
}

/** @throws BpttError `invalid-argument` for a device beside a backend that has none to choose */
export function assertDevice(backend: string, device: BackendDevice | undefined): void {
  if (device === undefined || backend === 'gpu') return;
  throw new BpttError('invalid-argument', `device: expected none beside the backend ${backend}, for gpu alone has several, got ${device}`);
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
  throw new BpttError('failed-precondition', `backend: the run needs ${id}, this machine has ${await idsHere(id)}`);
}

/** Every backend that this machine can run. */
export async function localBackends(): Promise<BackendChoice[]> {
  return choicesOf(Object.keys(LOCAL).filter(isLocalName));
}

/**
 * Every WebGPU adapter of this machine, whether the backend `gpu` would take it or not.
 * @throws BpttError `failed-precondition` where WebGPU cannot be asked for
 */
export async function localAdapters(): Promise<Adapter[]> {
  const { listAdapters } = await import('@bptt/kernels');
  return listAdapters();
}

/**
 * The graphics processor on which the backend `gpu` computes unless another device is asked for; undefined where this machine has none. A program that stands in for one (SwiftShader) is
 * slower than WebAssembly.
 */
export async function localGpu(): Promise<Adapter | undefined> {
  const { preferredAdapter } = await import('@bptt/kernels');
  try {
    const adapter = await preferredAdapter();
    return adapter?.software === false ? adapter : undefined;
  } catch (error) {
    if (error instanceof BpttError && error.code === 'failed-precondition') return undefined;
    throw error;
  }
}

async function choicesOf(names: readonly LocalName[]): Promise<BackendChoice[]> {
  const choices = await Promise.all(names.map(chooseIfAble));
  return choices.filter((choice) => choice !== undefined);
}

/** Tries the one whose ids begin like this one, so that no other need be loaded or made. */
async function findById(id: string): Promise<BackendChoice | undefined> {
  const name = Object.keys(LOCAL).filter(isLocalName).find((one) => id.startsWith(LOCAL[one].ids));
  const choice = name === undefined ? undefined : await chooseIfAble(name);
  return choice?.id === id ? choice : undefined;
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
  const create = await LOCAL[name].load();
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

/** For a message. Adapters are looked for only where `wanted` runs on one: it takes its time, and drivers talk. */
async function idsHere(wanted: string): Promise<string> {
  const names = Object.keys(LOCAL).filter(isLocalName).filter((name) => name !== 'gpu-webgpu' || wanted.startsWith(LOCAL[name].ids));
  return (await choicesOf(names)).map(({ id }) => id).join(', ');
}
