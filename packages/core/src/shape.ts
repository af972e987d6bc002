/**
 * Letters used for shapes throughout:
 *
 * - `V` words in the vocabulary
 * - `D` width of the embedding (of a one-hot input: `V`)
 * - `H` hidden units of a layer
 * - `L` layers
 * - `B` sequences side by side
 * - `T` time steps
 * - `N` rows of a batched matrix, usually `T * B`
 *
 * Sequences are time-major: the row of step `t` and sequence `b` is `t * B + b`. Matrices are row-major.
 */

/** Numbers of one matrix or of all parameters: float32 in training, float64 in the oracle. */
export type FloatArray = Float32Array | Float64Array;

/** A matrix in host memory, row-major: `values[row * columns + column]`. */
export interface HostMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: FloatArray;
}

/** Row `row` of a matrix, a view. */
export function rowOf({ columns, values }: HostMatrix, row: number): FloatArray {
  return values.subarray(row * columns, (row + 1) * columns);
}

/** `[rows, columns]`, as error messages show a shape. */
export function shapeText(matrix: { readonly rows: number; readonly columns: number }): string {
  return `[${String(matrix.rows)}, ${String(matrix.columns)}]`;
}
