import { assert, BpttError } from '@bptt/core';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { RESERVED_BYTES, type KernelMemory } from './kernel-memory.js';

/** `simd` multiplies, then adds: the same bits on every machine. `simd-relaxed` does both in one instruction that rounds once. */
export const SIMD_BUILDS = ['simd', 'simd-relaxed'] as const;
export type SimdBuild = (typeof SIMD_BUILDS)[number];

/** The kernels of `assembly/`, on raw addresses of the memory they were instantiated with. Strides are in bytes, counts in elements. */
export interface Kernels {
  /** First address past the constants of the kernels. */
  constantsEnd(): number;
  /** Whether a product is added without being rounded. */
  isFused(): number;
  /** Bytes that `setWorkspace` is to be given; to be called once, before any product. */
  workspaceBytes(): number;
  setWorkspace(address: number): void;
  /** `out [m, n] = op(a) op(b) + base`; see `assembly/mat-mul.ts`. */
  matMul(
    m: number, n: number, k: number,
    a: number, aStride: number, aTransposed: boolean,
    b: number, bStride: number, bTransposed: boolean,
    out: number, outStride: number, base: number, baseStride: number, panels: number,
  ): void;
  panelBytes(n: number, k: number): number;
  packPanels(n: number, k: number, b: number, bStride: number, bTransposed: boolean, panels: number): void;
  /** Adding gradients and making a step; see `assembly/arithmetic.ts`. */
  addArrays(left: number, right: number, sum: number, count: number): number;
  sumOfSquares(values: number, count: number): number;
  clampArray(values: number, factor: number, limit: number, count: number): number;
  areFinite(values: number, count: number): number;
  receive(from: number, into: number, count: number, squared: number, lanes: number): number;
  averageArray(mean: number, values: number, count: number, parts: number): void;
  /** Each returns whether all that it has written is finite. */
  descendSgd(p: number, g: number, mean: number, clip: number, after: number, count: number, lr: number): number;
  descendDecayedSgd(p: number, g: number, mean: number, clip: number, after: number, count: number, lr: number, shrink: number): number;
  descendMomentum(
    p: number, velocity: number, g: number, mean: number, clip: number, after: number, velocityAfter: number, count: number,
    mu: number, gain: number, rate: number, l2: number, shrink: number,
  ): number;
  descendAdagrad(
    p: number, squares: number, g: number, mean: number, clip: number, after: number, squaresAfter: number, count: number, lr: number, epsilon: number, l2: number, shrink: number,
  ): number;
  descendRmsprop(
    p: number, squares: number, g: number, mean: number, clip: number, after: number, squaresAfter: number, count: number,
    lr: number, alpha: number, epsilon: number, l2: number, shrink: number,
  ): number;
  descendAdam(
    p: number, first: number, second: number, g: number, mean: number, clip: number, after: number, firstAfter: number, secondAfter: number, count: number,
    beta1: number, beta2: number, rate: number, scale: number, epsilon: number, l2: number, shrink: number,
  ): number;
  add(a: number, b: number, out: number, count: number): void;
  subtract(a: number, b: number, out: number, count: number): void;
  multiply(a: number, b: number, out: number, count: number): void;
  scale(a: number, factor: number, out: number, count: number): void;
  exp(x: number, out: number, count: number): void;
  log(x: number, out: number, count: number): void;
  tanh(x: number, y: number, count: number): void;
  tanhBackward(y: number, dY: number, dX: number, count: number): void;
  relu(x: number, y: number, count: number): void;
  reluBackward(y: number, dY: number, dX: number, count: number): void;
  sigmoid(x: number, y: number, count: number): void;
  sigmoidBackward(y: number, dY: number, dX: number, count: number): void;
  gatherRows(table: number, columns: number, ids: number, count: number, out: number): void;
  scatterAddRows(values: number, columns: number, ids: number, count: number, out: number): void;
  addRow(a: number, row: number, rows: number, columns: number, out: number): void;
  addSumOfRows(a: number, rows: number, columns: number, stride: number, out: number, sums: number): void;
  zero(out: number, bytes: number): void;
  copy(from: number, bytes: number, out: number): void;
  transpose(from: number, stride: number, rows: number, columns: number, out: number): void;
  copyBlock(from: number, fromStride: number, rows: number, columns: number, out: number, outStride: number): void;
  lstmGates(a: number, previousCell: number, N: number, H: number, state: number, cell: number, squashed: number, gates: number): void;
  lstmGatesBackward(
    gates: number, previousCell: number, squashed: number, dState: number, dCell: number, N: number, H: number, dA: number, dPreviousCell: number,
  ): void;
  gruGates(a: number, b: number, previous: number, N: number, H: number, state: number, gates: number): void;
  gruGatesBackward(
    gates: number, b: number, previous: number, dState: number, N: number, H: number, dA: number, dB: number, dPrevious: number,
  ): void;
  squaredError(a: number, b: number, N: number, n: number, losses: number, dA: number): void;
  jacobianPenalty(e: number, v: number, u: number, N: number, H: number, penalties: number, scaled: number): void;
  firstIdOutside(ids: number, count: number, limit: number): number;
  /** The softmax of many rows; see `assembly/softmax-cross-entropy.ts`. */
  startSoftmax(maxima: number, sums: number, lanes: number): void;
  addBiasAndMaximum(logits: number, words: number, lanes: number, bias: number, maxima: number): void;
  takeTargetsOut(logits: number, lanes: number, targets: number, rows: number, maxima: number, leads: number): void;
  exponentials(logits: number, words: number, lanes: number, maxima: number, partial: number, sums: number): void;
  finishSoftmax(logits: number, lanes: number, targets: number, rows: number, leads: number, sums: number, losses: number, factors: number): void;
  outputErrors(logits: number, words: number, lanes: number, factors: number, dBias: number): void;
  /** Multiplications and additions in registers; see `assembly/vector-limit.ts`. */
  multiplyAddVectors(turns: number): number;
}

const compiled = new Map<SimdBuild, WebAssembly.Module>();

/**
 * Kernels over `memory`, compiled once per thread.
 * @throws BpttError `failed-precondition` when the WebAssembly file has not been built, or this machine cannot run the build
 */
export function instantiateKernels(memory: KernelMemory, build: SimdBuild): Kernels {
  const module = compiled.get(build) ?? compile(build);
  compiled.set(build, module);
  const kernels = new WebAssembly.Instance(module, { env: { memory: memory.memory as WebAssembly.Memory } }).exports as unknown as Kernels;
  assert(kernels.constantsEnd() <= RESERVED_BYTES, () => `${build}: expected constants below ${String(RESERVED_BYTES)}, got them up to ${String(kernels.constantsEnd())}`);
  if (build === 'simd-relaxed' && kernels.isFused() === 0) throw new BpttError('failed-precondition', 'simd-relaxed: expected a processor that multiplies and adds in one instruction, got one that rounds in between');
  kernels.setWorkspace(memory.allocate(kernels.workspaceBytes()));
  return kernels;
}

function compile(build: SimdBuild): WebAssembly.Module {
  // The same place from `src/` and from `dist/`.
  const bytes = readModule(new URL(`../build/${build}.wasm`, import.meta.url));
  // Node 20 has relaxed SIMD, but not switched on.
  if (build === 'simd-relaxed' && !WebAssembly.validate(bytes)) setFlagsFromString('--experimental-wasm-relaxed-simd');
  if (!WebAssembly.validate(bytes)) throw new BpttError('failed-precondition', `${build}: expected a Node that runs WebAssembly with ${build === 'simd' ? '' : 'relaxed '}SIMD, got ${process.version}`);
  return new WebAssembly.Module(bytes);
}

/** @throws BpttError `failed-precondition` when `url` cannot be read */
export function readModule(url: URL): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(url));
  } catch (cause) {
    throw new BpttError('failed-precondition', `simd: expected the kernels at ${url.pathname}, got no readable file; build them with: npm run assemble -w @bptt/simd`, { cause });
  }
}
