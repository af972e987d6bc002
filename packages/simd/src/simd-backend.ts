import { isDeepStrictEqual } from 'node:util';
import {
  assert, matrixShape, shapeText, type Backend, type FloatArray, type HostMatrix, type Matrix, type ParameterLayout, type Program,
  type ProgramInputs, type TensorSpec, type Workspace,
} from '@bptt/core';
import { Arena } from './arena.js';
import { Crew } from './crew.js';
import { FLOAT_BYTES, ownMatrix, SimdIds, SimdMatrix } from './handles.js';
import { KeptPanels } from './kept-panels.js';
import { KernelMemory, MEMORY_BYTES_LIMIT, type MemoryShare } from './kernel-memory.js';
import { instantiateKernels, type SimdBuild } from './kernels.js';
import type { Engine } from './operands.js';
import { chunkHelp } from './output-chunks.js';
import { kernelProducts, type KernelProducts, type Products } from './products.js';
import { simdArithmetic } from './simd-arithmetic.js';
import { SimdOperations } from './simd-operations.js';

const MEMORY_BYTES_MAX_DEFAULT = 0x8000_0000;

/** Bumped whenever kernels change the bits of a result. */
const REVISIONS: Readonly<Record<SimdBuild, number>> = { simd: 3, 'simd-relaxed': 2 };
const EXECUTES: Readonly<Record<SimdBuild, string>> = { simd: 'WebAssembly SIMD', 'simd-relaxed': 'WebAssembly relaxed SIMD' };

export interface SimdBackendOptions {
  /** Default `simd`. */
  readonly build?: SimdBuild;
  /** Most bytes of memory for parameters and one run together. Default 2 GiB, at most 4 GiB less 64 KiB. It is taken as it is needed. */
  readonly memoryBytesMax?: number;
  /** Takes its memory from here instead, and reads without a copy what lies there. */
  readonly within?: MemoryShare | undefined;
}

/** A backend that shares all but the products with this one. */
export interface SimdVariant {
  readonly id: string;
  readonly executes: string;
  /** Makes its products from those of the kernels. */
  readonly products: (memory: KernelMemory, own: KernelProducts) => Products;
}

/**
 * The embedded backends: float32 WebAssembly SIMD. `simd/3` multiplies and adds one after the other, so that its bits are the same on every CPU;
 * `simd-relaxed/2` does both at once, rounded once. Parameters and inputs must be Float32Array.
 *
 * @throws BpttError `failed-precondition` when its kernels have not been built, or this machine cannot run them; `resource-exhausted` when
 * the memory does not hold their working memory
 */
export function simdBackend(options: SimdBackendOptions = {}): Backend {
  const { build = 'simd' } = options;
  return createSimdBackend(options, { id: `${build}/${String(REVISIONS[build])}`, executes: EXECUTES[build], products: (_, own) => own });
}

/** The kernels of a build with the products of `variant`. Errors as `simdBackend`. */
export function createSimdBackend({ build = 'simd', memoryBytesMax = MEMORY_BYTES_MAX_DEFAULT, within }: SimdBackendOptions, { id, executes, products }: SimdVariant): Backend {
  assert(memoryBytesMax > 0 && memoryBytesMax <= MEMORY_BYTES_LIMIT,
    () => `simdBackend: expected memoryBytesMax from 1 to ${String(MEMORY_BYTES_LIMIT)}, got ${String(memoryBytesMax)}`);
  const memory = within === undefined ? KernelMemory.create(memoryBytesMax) : KernelMemory.within(within);
  const kernels = instantiateKernels(memory, build);
  const crew = within?.crew && new Crew(within.crew);
  return new SimdBackend({ id, executes }, { kernels, products: products(memory, kernelProducts(kernels)), arena: new Arena(memory), crew });
}

class SimdBackend implements Backend {
  readonly id: string;
  readonly executes: string;
  #engine: Engine | undefined;
  /** For what stays from run to run: a copy of the parameters, where one is needed, and their panels. */
  readonly #home: Arena;
  #layout: ParameterLayout = { tensors: [], size: 0 };
  /** What is kept of each tensor. */
  #kept: readonly KeptPanels[] = [];
  /** Address of the copy of the parameters. */
  #copy: number | undefined;
  /** Address of the parameters. */
  #parameters = 0;
  #workspace: Workspace | undefined;
  #run = 0;

  constructor({ id, executes }: Pick<Backend, 'id' | 'executes'>, engine: Engine) {
    this.id = id;
    this.executes = executes;
    this.#engine = engine;
    this.#home = new Arena(engine.arena.memory);
  }

  get workspace(): Workspace {
    const { memory } = this.#home;
    this.#workspace ??= { allocate: (length) => memory.allocateFloats(length), arithmetic: simdArithmetic(memory) };
    return this.#workspace;
  }

  get memoryBytes(): number {
    return this.#home.memory.bytesTaken;
  }

  setParameters(layout: ParameterLayout, values: FloatArray): void {
    const { arena: { memory }, products } = this.#open('setParameters');
    assert(values instanceof Float32Array, () => 'setParameters: expected a Float32Array, got a Float64Array');
    assert(values.length === layout.size, () => `setParameters: expected ${String(layout.size)} values, got ${String(values.length)}`);
    if (!isSameLayout(layout, this.#layout)) {
      this.#home.clear();
      this.#layout = layout;
      this.#copy = undefined;
      this.#kept = layout.tensors.map(() => new KeptPanels(products, this.#home));
    }
    if (memory.holds(values)) {
      this.#parameters = values.byteOffset;
    } else {
      this.#parameters = this.#copy ??= this.#home.allocate(values.byteLength);
      memory.floats(this.#parameters, values.length).set(values);
    }
    for (const kept of this.#kept) kept.forget();
  }

  run(program: Program, inputs: ProgramInputs<HostMatrix, Int32Array>, wanted: Readonly<Record<string, FloatArray>> = {}): Promise<Record<string, HostMatrix>> {
    return new Promise((resolve) => {
      resolve(this.#execute(program, inputs, wanted));
    });
  }

  assist(): void {
    const engine = this.#open('assist');
    engine.crew?.assist(chunkHelp(engine));
  }

  dispose(): void {
    this.#engine = undefined;
  }

  #execute(program: Program, inputs: ProgramInputs<HostMatrix, Int32Array>, wanted: Readonly<Record<string, FloatArray>>): Record<string, HostMatrix> {
    const engine = this.#open('run');
    const { arena } = engine;
    this.#run += 1;
    arena.clear();
    const parameters = Object.fromEntries(this.#layout.tensors.map((tensor, i) =>
      [tensor.name, this.#parameter(tensor, this.#kept[i], wanted[tensor.name])]));
    const matrices = mapValues(inputs.matrices, (matrix, name) => this.#copyMatrix(arena, matrix, name));
    const ids = mapValues(inputs.ids, (values) => this.#copyIds(arena, values));
    const results = program.trace(new SimdOperations(engine, this.#run), parameters, { matrices, ids });
    const places = new Map(Object.values(wanted).filter((place) => arena.memory.holds(place)).map((place) => [place.byteOffset, place]));
    return mapValues(results, (matrix) => this.#view(arena, matrix, places));
  }

  #parameter(tensor: TensorSpec, kept: KeptPanels, wanted: FloatArray | undefined): SimdMatrix {
    const shape = matrixShape(tensor);
    const isHere = wanted instanceof Float32Array && wanted.length === shape.rows * shape.columns && this.#home.memory.holds(wanted);
    return new SimdMatrix(shape, this.#parameters + tensor.begin * FLOAT_BYTES, this.#run, { kept, gradientAt: isHere ? wanted.byteOffset : undefined });
  }

  #copyMatrix(arena: Arena, matrix: HostMatrix, name: string): SimdMatrix {
    const { rows, columns, values } = matrix;
    assert(values instanceof Float32Array, () => `run: expected input ${name} as a Float32Array, got a Float64Array`);
    assert(values.length === rows * columns, () => `run: expected ${String(rows * columns)} values for input ${name} ${shapeText(matrix)}, got ${String(values.length)}`);
    const address = arena.allocate(values.byteLength);
    arena.memory.floats(address, values.length).set(values);
    return new SimdMatrix(matrix, address, this.#run);
  }

  #copyIds(arena: Arena, values: Int32Array): SimdIds {
    const address = arena.allocate(values.byteLength);
    arena.memory.integers(address, values.length).set(values);
    return new SimdIds(values.length, address, this.#run);
  }

  #view(arena: Arena, matrix: Matrix, places: ReadonlyMap<number, FloatArray>): HostMatrix {
    const { rows, columns, address, count } = ownMatrix('run', matrix, this.#run);
    return { rows, columns, values: places.get(address) ?? arena.memory.floats(address, count) };
  }

  #open(operation: string): Engine {
    assert(this.#engine !== undefined, () => `${operation}: expected an open backend, got one that was disposed of`);
    return this.#engine;
  }
}

function isSameLayout(a: ParameterLayout, b: ParameterLayout): boolean {
  return a === b || (a.tensors.length === b.tensors.length && a.tensors.every((tensor, i) => tensor.name === b.tensors[i].name && isDeepStrictEqual(tensor.shape, b.tensors[i].shape)));
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, f: (value: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));
}
