import { BpttError } from '@bptt/core';
import { readFileSync } from 'node:fs';

/** The kernels of `assembly/`, on raw addresses of the memory they were instantiated with. Strides are in bytes, counts in elements. */
export interface Kernels {
  /** First address past the working memory of the kernels. */
  workspaceEnd(): number;
  /** Must be called before memory of operands of earlier products is written anew. */
  forgetPacked(): void;
  /** `out [m, n] = op(a) op(b) + base`; see `assembly/mat-mul.ts`. */
  matMul(
    m: number, n: number, k: number,
    a: number, aStride: number, aTransposed: boolean,
    b: number, bStride: number, bTransposed: boolean,
    out: number, outStride: number, base: number, baseStride: number, keep: boolean,
  ): void;
  add(a: number, b: number, out: number, count: number): void;
  subtract(a: number, b: number, out: number, count: number): void;
  multiply(a: number, b: number, out: number, count: number): void;
  scale(a: number, factor: number, out: number, count: number): void;
  exp(x: number, out: number, count: number): void;
  tanh(x: number, y: number, count: number): void;
  tanhBackward(y: number, dY: number, dX: number, count: number): void;
  relu(x: number, y: number, count: number): void;
  reluBackward(y: number, dY: number, dX: number, count: number): void;
  sigmoid(x: number, y: number, count: number): void;
  sigmoidBackward(y: number, dY: number, dX: number, count: number): void;
  gatherRows(table: number, columns: number, ids: number, count: number, out: number): void;
  scatterAddRows(values: number, columns: number, ids: number, count: number, out: number): void;
  addRow(a: number, row: number, rows: number, columns: number, out: number): void;
  addSumOfRows(a: number, rows: number, columns: number, stride: number, out: number): void;
  copyBlock(from: number, fromStride: number, rows: number, columns: number, out: number, outStride: number): void;
  lstmGates(a: number, previousCell: number, N: number, H: number, state: number, cell: number, gates: number): void;
  lstmGatesBackward(
    gates: number, previousCell: number, cell: number, dState: number, dCell: number, N: number, H: number, dA: number, dPreviousCell: number,
  ): void;
  gruGates(a: number, b: number, previous: number, N: number, H: number, state: number, gates: number): void;
  gruGatesBackward(
    gates: number, b: number, previous: number, dState: number, N: number, H: number, dA: number, dB: number, dPrevious: number,
  ): void;
  squaredError(a: number, b: number, N: number, n: number, losses: number, dA: number): void;
  jacobianPenalty(e: number, v: number, u: number, N: number, H: number, penalties: number, scaled: number): void;
  firstIdOutside(ids: number, count: number, limit: number): number;
  softmaxCrossEntropy(logits: number, rows: number, columns: number, stride: number, targets: number, losses: number): void;
}

/** The same place from `src/` and from `dist/`. */
const WASM_URL = new URL('../build/simd.wasm', import.meta.url);

let compiled: WebAssembly.Module | undefined;

/**
 * Kernels over `memory`, compiled once per thread.
 * @throws BpttError `failed-precondition` when the WebAssembly file has not been built
 */
export function instantiateKernels(memory: WebAssembly.Memory): Kernels {
  compiled ??= new WebAssembly.Module(readModule(WASM_URL));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Kernels;
}

/** @throws BpttError `failed-precondition` when `url` cannot be read */
export function readModule(url: URL): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(url));
  } catch (cause) {
    throw new BpttError('failed-precondition', `simd: expected the kernels at ${url.pathname}, got no readable file; build them with: npm run assemble -w @bptt/simd`, { cause });
  }
}
