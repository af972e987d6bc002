import { assert, shapeText, type Ids, type Matrix } from '@bptt/core';
import type { Arena } from './arena.js';
import type { Crew } from './crew.js';
import { FLOAT_BYTES, ownIds, ownMatrix, SimdMatrix, type SimdIds } from './handles.js';
import type { Kernels } from './kernels.js';
import type { Products } from './products.js';

/** What one instance of the backend computes with. */
export interface Engine {
  readonly kernels: Kernels;
  readonly products: Products;
  readonly arena: Arena;
  /** Threads that help with output layers; undefined where there are none. */
  readonly crew?: Crew | undefined;
}

/** What the operations of one run work on: they check their operands here and take memory for their results from the arena. */
export class Operands {
  readonly kernels: Kernels;
  readonly arena: Arena;
  readonly run: number;

  constructor({ kernels, arena }: Engine, run: number) {
    this.kernels = kernels;
    this.arena = arena;
    this.run = run;
  }

  matrix(operation: string, matrix: Matrix): SimdMatrix {
    return ownMatrix(operation, matrix, this.run);
  }

  /** Matrices that must all have the shape given. */
  matrices<M extends readonly Matrix[]>(operation: string, { rows, columns }: Matrix, ...matrices: M): { [K in keyof M]: SimdMatrix } {
    return matrices.map((matrix) => {
      assert(matrix.rows === rows && matrix.columns === columns, () => `${operation}: expected ${shapeText({ rows, columns })}, got ${shapeText(matrix)}`);
      return this.matrix(operation, matrix);
    }) as { [K in keyof M]: SimdMatrix };
  }

  /** Ids that must all lie in `[-1, limit)`. */
  ids(operation: string, ids: Ids, limit: number): SimdIds {
    const own = ownIds(operation, ids, this.run);
    const at = this.kernels.firstIdOutside(own.address, own.length, limit);
    assert(at === own.length, () => `${operation}: expected ids in [-1, ${String(limit)}), got ${String(this.arena.memory.integers(own.address, own.length)[at])} at ${String(at)}`);
    return own;
  }

  /** A matrix of unknown content, at `address` or in new memory. */
  allocate(rows: number, columns: number, address: number = this.arena.allocate(rows * columns * FLOAT_BYTES)): SimdMatrix {
    return new SimdMatrix({ rows, columns }, address, this.run);
  }

  zeros(rows: number, columns: number): SimdMatrix {
    const out = this.allocate(rows, columns);
    this.kernels.zero(out.address, out.count * FLOAT_BYTES);
    return out;
  }
}
