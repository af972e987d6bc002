import type { Backend, HostMatrix, Matrix, Program } from '@bptt/core';
import type { StepWork } from './step-server.js';

/** A product of matrices `[m, k] x [k, n]`. */
export interface ProductShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * The products of a backend itself, `products` a step, outside any model. Two right operands come in turn, so that one that a backend keeps in a form of its own does not
 * make it look faster than it is. A row of each product is read, so that none can be left out.
 */
export function productSteps(backend: Backend, { m, k, n }: ProductShape, products: number): StepWork {
  const inputs = { ids: {}, matrices: { a: numbers(m, k, 1), b0: numbers(k, n, 2), b1: numbers(k, n, 3) } };
  const program: Program = {
    key: `benchmark ${String(products)} products`,
    trace(operations, _, { matrices }) {
      const rows = Array.from({ length: products }, (_row, i): Matrix => operations.rows(operations.matMul(matrices['a'], matrices[i % 2 === 0 ? 'b0' : 'b1']), 0, 1));
      return { rows: operations.stack(rows) };
    },
  };
  return {
    executes: `${backend.id} (${backend.executes})`,
    async step() {
      const begin = performance.now();
      const { rows } = await backend.run(program, inputs);
      const ms = performance.now() - begin;
      if (rows.rows !== products || rows.columns !== n || !rows.values.every(Number.isFinite)) throw new Error(`${backend.id}: expected ${String(products)} rows of ${String(n)} finite numbers`);
      return ms;
    },
    close: () => { backend.dispose(); },
  };
}

/** Numbers in [-1, 1) that differ from place to place. */
function numbers(rows: number, columns: number, seed: number): HostMatrix {
  return { rows, columns, values: Float32Array.from({ length: rows * columns }, (_, i) => ((i * 7919 + seed * 104_729) % 2003) / 1001.5 - 1) };
}
