import { assert, BpttError, shapeText, type Ids, type Matrix } from '@bptt/core';
import type { KernelOutput } from 'gpu.js';
import type { KernelSet, KernelSource } from './kernel-set.js';

/** Largest matrix a plan may hold, in bytes: WebAssembly addresses 4 GiB in all, and adapters bind far less as one buffer. */
export const MATRIX_BYTES_MAX = 1 << 30;

const BYTES_PER_ELEMENT = 4;

/** Ids travel as float32, which counts exactly up to here. */
const IDS_MAX = 1 << 24;

/** A matrix of a plan that is being traced: a shape, and gpu.js' handle for a value that does not exist yet. */
export class TracedMatrix implements Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly #handle: KernelOutput;

  constructor(rows: number, columns: number, handle: KernelOutput) {
    this.rows = rows;
    this.columns = columns;
    this.#handle = handle;
  }

  get handle(): KernelOutput {
    return this.#handle;
  }
}

/** Neighbouring rows of another matrix. They are copied only where a step needs them by themselves; some read them where they lie. */
export class TracedRows extends TracedMatrix {
  /** A matrix that is whole itself. */
  readonly of: TracedMatrix;
  /** First of the rows. */
  readonly begin: number;
  readonly #copy: (rows: TracedRows) => TracedMatrix;
  #copied: TracedMatrix | undefined;

  /** @param copy makes the step that copies them */
  constructor(of: TracedMatrix, { begin, rows }: { begin: number; rows: number }, copy: (rows: TracedRows) => TracedMatrix) {
    super(rows, of.columns, undefined);
    this.of = of;
    this.begin = begin;
    this.#copy = copy;
  }

  override get handle(): KernelOutput {
    this.#copied ??= this.#copy(this);
    return this.#copied.handle;
  }
}

/** Row ids of a plan that is being traced, and what the plan demands of them. */
export class TracedIds implements Ids {
  readonly length: number;
  readonly handle: KernelOutput;
  /** Every id must lie in `[-1, limit)`: a kernel would read another matrix's memory, and nobody would know. */
  limit = IDS_MAX;

  constructor(length: number, handle: KernelOutput) {
    this.length = length;
    this.handle = handle;
  }
}

/** What a step reads beside its place in the output. */
export interface StepInputs {
  /** Loop bounds and places that the kernel is compiled for. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Matrices, ids and single numbers, in the order of the kernel's parameters. */
  readonly operands: readonly (TracedMatrix | TracedIds | number)[];
}

/** Records the steps of a plan. */
export class Tracer {
  readonly #kernels: KernelSet;

  constructor(kernels: KernelSet) {
    this.#kernels = kernels;
  }

  /** One step, whose result has the shape given. */
  step(kernel: KernelSource, shape: Matrix, { constants = {}, operands }: StepInputs): TracedMatrix {
    checkSize(kernel.name, shape);
    const { rows, columns } = shape;
    const handles = operands.map((operand): KernelOutput => (typeof operand === 'number' ? operand : operand.handle));
    return new TracedMatrix(rows, columns, this.#kernels.call({ kernel, rows, columns, constants, operands: handles }));
  }
}

export function traced(matrix: Matrix): TracedMatrix {
  assert(matrix instanceof TracedMatrix, () => `a matrix ${shapeText(matrix)} that is not of this plan`);
  return matrix;
}

/** Matrices of this plan that must all have the shape given. */
export function tracedAs<M extends readonly Matrix[]>(operation: string, { rows, columns }: Matrix, ...matrices: M): { [K in keyof M]: TracedMatrix } {
  return matrices.map((matrix) => {
    assert(matrix.rows === rows && matrix.columns === columns, () => `${operation}: expected ${shapeText({ rows, columns })}, got ${shapeText(matrix)}`);
    return traced(matrix);
  }) as { [K in keyof M]: TracedMatrix };
}

/** The ids of this plan, which from now on must lie below `limit`. */
export function idsBelow(ids: Ids, limit: number): TracedIds {
  assert(ids instanceof TracedIds, () => `${String(ids.length)} ids that are not of this plan`);
  assert(limit <= IDS_MAX, () => `ids travel as float32 and name at most ${String(IDS_MAX)} rows, got ${String(limit)}`);
  ids.limit = Math.min(ids.limit, limit);
  return ids;
}

function checkSize(name: string, { rows, columns }: Matrix): void {
  assert(Number.isInteger(rows) && rows > 0 && Number.isInteger(columns) && columns > 0,
    () => `${name}: a kernel needs at least one row and one column, got ${shapeText({ rows, columns })}`);
  const bytes = rows * columns * BYTES_PER_ELEMENT;
  if (bytes > MATRIX_BYTES_MAX) {
    throw new BpttError('resource-exhausted', `${name}: a matrix of the gpu.js backend has at most ${String(MATRIX_BYTES_MAX)} bytes, ${shapeText({ rows, columns })} needs ${String(bytes)}`);
  }
}
