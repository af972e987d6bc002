import { BpttError, messageOf } from '@bptt/core';
import * as gpuJs from 'gpu.js';

/** A graphics processor, or a program that stands in for one. */
export interface Adapter {
  /** As the driver calls it, for instance `nvidia-h200`. */
  readonly name: string;
  /** Name and version of the driver. */
  readonly driver: string;
  /** True where the processor of the machine computes instead (SwiftShader, llvmpipe). */
  readonly software: boolean;
}

/** An adapter whose device is open in this thread. */
export interface OpenAdapter extends Adapter {
  /**
   * Runs `work` on the device.
   * @throws BpttError `failed-precondition` for what the device refused meanwhile, which WebGPU would answer with zeros
   */
  guard<T>(work: () => Promise<T>): Promise<T>;
}

interface WebGpuContext {
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
}

// gpu.js has one device for all its instances; its types leave that out.
const { WebGPUContext } = gpuJs as unknown as { readonly WebGPUContext: { acquire(): Promise<WebGpuContext> } };

/** Adapters that compute on the processor of the machine, by name; drivers do not always say so themselves. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software/i;

/** Asks for the fast one where a machine has two. */
const REQUEST: GPURequestAdapterOptions = { powerPreference: 'high-performance' };

/**
 * Kernels read and write inside their matrices alone: shapes are those of the plan and ids are checked before each run. That the driver's compiler checks
 * each index once more is left out: with it a step takes the device twice as long (ADR 0015).
 */
const DAWN_OPTIONS = ['enable-dawn-features=disable_robustness'];

let opened: Promise<OpenAdapter> | undefined;

/**
 * Opens the WebGPU adapter of this machine for the calling thread: in Node through the package `webgpu`, in a browser its own. It is opened
 * once and stays open as long as the thread.
 * @throws BpttError `failed-precondition` where there is none
 */
export function openAdapter(): Promise<OpenAdapter> {
  opened ??= open().catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

/**
 * What `openAdapter` would open in Node; undefined where no driver offers one.
 * @throws BpttError `failed-precondition` where the package `webgpu` does not load
 */
export async function preferredAdapter(): Promise<Adapter | undefined> {
  const adapter = await (await loadGpu(DAWN_OPTIONS)).requestAdapter(REQUEST);
  return adapter === null ? undefined : describe(adapter);
}

/** What of a browser's page `webGlAdapter` needs; the library is compiled without the types of one. */
interface Page {
  createElement(name: 'canvas'): { getContext(name: 'webgl2'): { getExtension(name: string): unknown; getParameter(name: number): string } | null };
}
const UNMASKED_RENDERER = 0x9246;
const VERSION = 0x1f02;

/**
 * What WebGL computes on in this page of a browser.
 * @throws BpttError `failed-precondition` outside a page, and where it has no WebGL
 */
export function webGlAdapter(): Adapter {
  const { document } = globalThis as { document?: Page };
  const context = document?.createElement('canvas').getContext('webgl2');
  if (context == null) throw new BpttError('failed-precondition', 'WebGL: expected a page of a browser that has it, got none');
  const isNamed = context.getExtension('WEBGL_debug_renderer_info') !== null;
  const name = isNamed ? context.getParameter(UNMASKED_RENDERER) : 'unnamed';
  return { name, driver: context.getParameter(VERSION), software: SOFTWARE.test(name) };
}

/**
 * Every WebGPU adapter that Node sees on this machine.
 * @throws BpttError `failed-precondition` where the package `webgpu` does not load
 */
export async function listAdapters(): Promise<Adapter[]> {
  const adapters: Adapter[] = [];
  for (const options of await adapterOptions()) {
    const adapter = await (await loadGpu(options)).requestAdapter(REQUEST);
    if (adapter !== null) adapters.push(describe(adapter));
  }
  return adapters;
}

/** What selects each adapter. The package `webgpu` names them all where it is asked for one that there is not. */
async function adapterOptions(): Promise<string[][]> {
  const nobody = await loadGpu(['adapter=none of this name']);
  const listing = await nobody.requestAdapter().then(() => '', messageOf);
  return Array.from(listing.matchAll(/backend: '([^']*)', name: '(.*)'/g), ([, backend, name]) => [`backend=${backend}`, `adapter=${name}`]);
}

async function open(): Promise<OpenAdapter> {
  if (navigatorGpu() === undefined) await provideGpu();
  let context: WebGpuContext;
  try {
    context = await WebGPUContext.acquire();
  } catch (cause) {
    throw noAdapter(messageOf(cause), cause);
  }
  const { device, adapter } = context;
  return { ...describe(adapter), guard: (work) => guarded(device, work) };
}

/** What an adapter says of itself. */
function describe({ info }: GPUAdapter): Adapter {
  const { vendor, architecture, device, description } = info;
  const name = device === '' ? [vendor, architecture].filter((part) => part !== '').join('-') : device.replace(/-+$/, '');
  return { name, driver: description, software: info.isFallbackAdapter || SOFTWARE.test(`${vendor} ${name} ${description}`) };
}

/** A validation error of WebGPU arrives later and elsewhere, while the results are zeros: two scopes tie it to the work. */
async function guarded<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  let result: T;
  let refusals: (GPUError | null)[];
  try {
    result = await work();
  } finally {
    refusals = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  }
  const refused = refusals.find((error) => error !== null);
  if (refused != null) throw new BpttError('failed-precondition', `WebGPU device: ${refused.message}`);
  return result;
}

async function loadGpu(options: string[]): Promise<GPU> {
  try {
    return (await import('webgpu')).create(options);
  } catch (cause) {
    throw noAdapter(`the package webgpu does not load (${messageOf(cause)})`, cause);
  }
}

function navigatorGpu(): GPU | undefined {
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
}

/** Puts WebGPU where gpu.js looks for it. Node 20 has no navigator, later versions have one without WebGPU. */
async function provideGpu(): Promise<void> {
  const gpu = await loadGpu(DAWN_OPTIONS);
  const first = await gpu.requestAdapter(REQUEST);
  if (first === null) throw noAdapter('no driver of this machine offers one');
  const id = JSON.stringify(describe(first));
  // gpu.js asks again where a device is lost: another adapter would be another backend.
  const requestAdapter = async (): Promise<GPUAdapter | null> => {
    const adapter = await gpu.requestAdapter(REQUEST);
    return adapter !== null && JSON.stringify(describe(adapter)) === id ? adapter : null;
  };
  const { navigator } = globalThis as { navigator?: object };
  if (navigator === undefined) Object.defineProperty(globalThis, 'navigator', { value: { gpu: { requestAdapter } }, configurable: true });
  else Object.defineProperty(navigator, 'gpu', { value: { requestAdapter }, configurable: true });
}

function noAdapter(reason: string, cause?: unknown): BpttError {
  return new BpttError('failed-precondition', `WebGPU: expected an adapter, got none: ${reason}`, { cause });
}
