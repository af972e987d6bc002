import {
  assert, matrixShape, shapeText, viewTensor, type Backend, type FloatArray, type HostMatrix, type Matrix, type ParameterLayout, type Program,
  type ProgramInputs,
} from '@bptt/core';
import { Arena, ARENA_BYTES_LIMIT } from './arena.js';
import { FLOAT_BYTES, ownMatrix, SimdIds, SimdMatrix } from './handles.js';
import { instantiateKernels, type Kernels } from './kernels.js';
import { SimdOperations } from './simd-operations.js';

const MEMORY_BYTES_MAX_DEFAULT = 0x8000_0000;

export interface SimdBackendOptions {
  /** Most bytes of memory for parameters and one run together. Default 2 GiB, at most 4 GiB less 64 KiB. It is taken as it is needed. */
  readonly memoryBytesMax?: number;
}

/**
 * The embedded default backend: float32 WebAssembly SIMD without fused operations, so that its bits are the same on every CPU.
 * Parameters and inputs must be Float32Array.
 *
 * @throws BpttError `failed-precondition` when its kernels have not been built, `resource-exhausted` when `memoryBytesMax` does not
 * hold their working memory
 */
export function simdBackend({ memoryBytesMax = MEMORY_BYTES_MAX_DEFAULT }: SimdBackendOptions = {}): Backend {
  assert(memoryBytesMax > 0 && memoryBytesMax <= ARENA_BYTES_LIMIT,
    () => `simdBackend: expected memoryBytesMax from 1 to ${String(ARENA_BYTES_LIMIT)}, got ${String(memoryBytesMax)}`);
  return new SimdBackend(memoryBytesMax);
}

class SimdBackend implements Backend {
  readonly id = 'simd/1';
  readonly executes = 'WebAssembly SIMD';
  #engine: { readonly arena: Arena; readonly kernels: Kernels } | undefined;
  /** First address past the working memory of the kernels: the parameters begin here. */
  readonly #parametersBegin: number;
  #layout: ParameterLayout = { tensors: [], size: 0 };
  #tensorAddresses: readonly number[] = [];
  /** First address past the parameters: every run begins here. */
  #runBegin: number;
  #run = 0;

  constructor(memoryBytesMax: number) {
    const arena = new Arena(memoryBytesMax);
    const kernels = instantiateKernels(arena.memory);
    arena.reserve(kernels.workspaceEnd());
    this.#engine = { arena, kernels };
    this.#parametersBegin = arena.mark();
    this.#runBegin = arena.mark();
  }

  setParameters(layout: ParameterLayout, values: FloatArray): void {
    const { arena } = this.#open('setParameters');
    assert(values instanceof Float32Array, () => 'setParameters: expected a Float32Array, got a Float64Array');
    assert(values.length === layout.size, () => `setParameters: expected ${String(layout.size)} values, got ${String(values.length)}`);
    this.#layout = { tensors: [], size: 0 };
    arena.release(this.#parametersBegin);
    this.#tensorAddresses = layout.tensors.map((tensor) => copyFloats(arena, viewTensor(values, tensor)));
    this.#layout = layout;
    this.#runBegin = arena.mark();
  }

  run(program: Program, inputs: ProgramInputs<HostMatrix, Int32Array>): Promise<Record<string, HostMatrix>> {
    return new Promise((resolve) => {
      resolve(this.#execute(program, inputs));
    });
  }

  dispose(): void {
    this.#engine = undefined;
  }

  #execute(program: Program, inputs: ProgramInputs<HostMatrix, Int32Array>): Record<string, HostMatrix> {
    const { arena, kernels } = this.#open('run');
    this.#run += 1;
    arena.release(this.#runBegin);
    kernels.forgetPacked();
    const parameters = Object.fromEntries(this.#layout.tensors.map((tensor, i) => [tensor.name, new SimdMatrix(matrixShape(tensor), this.#tensorAddresses[i], this.#run)]));
    const matrices = mapValues(inputs.matrices, (matrix, name) => this.#copyMatrix(arena, matrix, name));
    const ids = mapValues(inputs.ids, (values) => this.#copyIds(arena, values));
    const results = program.trace(new SimdOperations(kernels, arena, this.#run), parameters, { matrices, ids });
    // Views come last: memory that grows during the trace would detach them.
    return mapValues(results, (matrix) => this.#view(arena, matrix));
  }

  #copyMatrix(arena: Arena, matrix: HostMatrix, name: string): SimdMatrix {
    const { rows, columns, values } = matrix;
    assert(values instanceof Float32Array, () => `run: expected input ${name} as a Float32Array, got a Float64Array`);
    assert(values.length === rows * columns, () => `run: expected ${String(rows * columns)} values for input ${name} ${shapeText(matrix)}, got ${String(values.length)}`);
    return new SimdMatrix(matrix, copyFloats(arena, values), this.#run);
  }

  #copyIds(arena: Arena, values: Int32Array): SimdIds {
    const address = arena.allocate(values.byteLength);
    arena.integers(address, values.length).set(values);
    return new SimdIds(values.length, address, this.#run);
  }

  #view(arena: Arena, matrix: Matrix): HostMatrix {
    const { rows, columns, address, count } = ownMatrix('run', matrix, this.#run);
    return { rows, columns, values: arena.floats(address, count) };
  }

  #open(operation: string): { readonly arena: Arena; readonly kernels: Kernels } {
    assert(this.#engine !== undefined, () => `${operation}: expected an open backend, got one that was disposed of`);
    return this.#engine;
  }
}

function copyFloats(arena: Arena, values: Float32Array): number {
  const address = arena.allocate(values.length * FLOAT_BYTES);
  arena.floats(address, values.length).set(values);
  return address;
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, f: (value: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));
}
