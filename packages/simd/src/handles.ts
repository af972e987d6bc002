import { assert, type Ids, type Matrix } from '@bptt/core';
import type { KeptPanels } from './kept-panels.js';

export const FLOAT_BYTES = 4;

/** What a parameter has besides its values. */
interface ParameterParts {
  /** What is kept of it from product to product. */
  readonly kept: KeptPanels;
  /** Address where its gradient is wanted. */
  readonly gradientAt: number | undefined;
}

/** A row-major float32 matrix in memory, without gaps between rows. Good for the run that made it. */
export class SimdMatrix implements Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly address: number;
  readonly run: number;
  /** Of a parameter: what is kept of it from product to product. */
  readonly kept: KeptPanels | undefined;
  #gradientAt: number | undefined;

  constructor(shape: Matrix, address: number, run: number, parameter?: ParameterParts) {
    this.rows = shape.rows;
    this.columns = shape.columns;
    this.address = address;
    this.run = run;
    this.kept = parameter?.kept;
    this.#gradientAt = parameter?.gradientAt;
  }

  /** Address where the gradient of this parameter is wanted, if any. Told once: what the first writes there may be an operand of the next. */
  takeGradientPlace(): number | undefined {
    const place = this.#gradientAt;
    this.#gradientAt = undefined;
    return place;
  }

  get count(): number {
    return this.rows * this.columns;
  }

  /** Bytes from row to row. */
  get stride(): number {
    return this.columns * FLOAT_BYTES;
  }
}

/** Row ids (int32) in memory. Good for the run that made them. */
export class SimdIds implements Ids {
  readonly length: number;
  readonly address: number;
  readonly run: number;

  constructor(length: number, address: number, run: number) {
    this.length = length;
    this.address = address;
    this.run = run;
  }
}

/** `matrix` as a handle of this backend and of the run that goes on; anything else is a programmer error. */
export function ownMatrix(operation: string, matrix: Matrix, run: number): SimdMatrix {
  assert(matrix instanceof SimdMatrix, () => `${operation}: expected a matrix of the simd backend, got one of another backend`);
  assert(matrix.run === run, () => `${operation}: expected a matrix of run ${String(run)}, got one of run ${String(matrix.run)}`);
  return matrix;
}

/** `ids` as a handle of this backend and of the run that goes on; anything else is a programmer error. */
export function ownIds(operation: string, ids: Ids, run: number): SimdIds {
  assert(ids instanceof SimdIds, () => `${operation}: expected ids of the simd backend, got those of another backend`);
  assert(ids.run === run, () => `${operation}: expected ids of run ${String(run)}, got those of run ${String(ids.run)}`);
  return ids;
}
