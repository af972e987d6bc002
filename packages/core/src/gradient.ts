import { assert, BpttError } from './errors.js';
import { matrixShape, type ParameterLayout, type TensorSpec } from './parameters.js';

/** Rows of one row-sparse tensor. A row that is absent is a row of zeros. */
export interface SparseRows {
  /** Ascending, distinct row ids. */
  readonly rows: Uint32Array;
  /** `[rows.length, columns]`, row-major. */
  readonly values: Float32Array;
}

/** A gradient in its one canonical representation: the same for a microshard, a subtree of the reduction, and the wire. */
export interface Gradient {
  /** The dense tensors back to back, in the order of the layout. */
  readonly dense: Float32Array;
  /** The row-sparse tensors, in the order of the layout. */
  readonly sparse: readonly SparseRows[];
}

/** Tensors of `layout` whose gradient is dense. */
export function denseTensors(layout: ParameterLayout): TensorSpec[] {
  return layout.tensors.filter((tensor) => !tensor.rowSparse);
}

/** Tensors of `layout` whose gradient is row-sparse. */
export function sparseTensors(layout: ParameterLayout): TensorSpec[] {
  return layout.tensors.filter((tensor) => tensor.rowSparse);
}

/** Elements of the dense part. */
export function denseSize(layout: ParameterLayout): number {
  return denseTensors(layout).reduce((size, tensor) => size + tensor.end - tensor.begin, 0);
}

/**
 * Does something with the elements `[begin, end)` of flat arrays, whose gradient is `values[at]`, `values[at + 1]`, ..., or zero where `values` is
 * undefined. A function of its own, with its arrays and numbers in `pass`: a loop that finds these in a closure takes 1.7 times as long.
 */
export type SpanVisit<P> = (pass: P, begin: number, end: number, values: Float32Array | undefined, at: number) => void;

/** Goes through all parameters with their gradient, in stretches: a dense tensor is one; of a row-sparse tensor, neighbouring rows that are present, or that are not. */
export function forEachSpan<P>({ layout, gradient }: { readonly layout: ParameterLayout; readonly gradient: Gradient }, visit: SpanVisit<P>, pass: P): void {
  let at = 0;
  let sparse = 0;
  for (const tensor of layout.tensors) {
    const { begin, end } = tensor;
    if (tensor.rowSparse) {
      forEachRow(tensor, gradient.sparse[sparse], visit, pass);
      sparse += 1;
    } else {
      visit(pass, begin, end, gradient.dense, at);
      at += end - begin;
    }
  }
}

function forEachRow<P>(tensor: TensorSpec, { rows, values }: SparseRows, visit: SpanVisit<P>, pass: P): void {
  const { columns } = matrixShape(tensor);
  let done = tensor.begin;
  for (let first = 0; first < rows.length;) {
    let next = first + 1;
    while (next < rows.length && rows[next] === rows[next - 1] + 1) next += 1;
    const begin = tensor.begin + rows[first] * columns;
    const end = begin + (next - first) * columns;
    if (begin > done) visit(pass, done, begin, undefined, 0);
    visit(pass, begin, end, values, first * columns);
    done = end;
    first = next;
  }
  if (done < tensor.end) visit(pass, done, tensor.end, undefined, 0);
}

/** Sizes of the parts of a gradient. */
export interface GradientExtent {
  /** Elements of the dense part. */
  readonly dense: number;
  /** Of each row-sparse tensor: its rows that are present, and their columns. */
  readonly sparse: readonly { readonly rows: number; readonly columns: number }[];
}

/** Bytes of `gradient` as `encodeGradient` writes it. */
export function gradientBytes(gradient: Gradient): number {
  return gradient.sparse.reduce((bytes, { rows, values }) => bytes + 4 + rows.byteLength + values.byteLength, gradient.dense.byteLength);
}

/** Fewest and most bytes of an encoded gradient: with none and with all of the rows of row-sparse tensors. */
export function gradientBytesBounds(layout: ParameterLayout): readonly [least: number, most: number] {
  const sparse = sparseTensors(layout).map(matrixShape);
  const least = 4 * (denseSize(layout) + sparse.length);
  return [least, sparse.reduce((most, { rows, columns }) => most + 4 * rows * (1 + columns), least)];
}

/**
 * Writes `gradient` as little-endian bytes: the dense float32 values, then for each row-sparse tensor a uint32 count, the row ids as
 * uint32, and the float32 values of those rows. Returns the bytes written. `into` must begin on a multiple of 4.
 */
export function encodeGradient(gradient: Gradient, into: Uint8Array): number {
  const sparse = gradient.sparse.map(({ rows, values }) => ({ rows: rows.length, columns: rows.length === 0 ? 0 : values.length / rows.length }));
  const encoded = layOutGradient({ dense: gradient.dense.length, sparse }, into);
  const isThere = encoded.dense.buffer === gradient.dense.buffer && encoded.dense.byteOffset === gradient.dense.byteOffset;
  if (!isThere) encoded.dense.set(gradient.dense);
  gradient.sparse.forEach(({ rows, values }, i) => {
    encoded.sparse[i].rows.set(rows);
    encoded.sparse[i].values.set(values);
  });
  return gradientBytes(encoded);
}

/**
 * An encoded gradient whose values are still to be written, as views of `into`, which must begin on a multiple of 4. Default: new memory that just
 * holds it.
 */
export function layOutGradient({ dense, sparse }: GradientExtent, into?: Uint8Array): Gradient {
  const bytes = 4 * sparse.reduce((words, { rows, columns }) => words + 1 + rows * (1 + columns), dense);
  const { buffer, byteOffset, byteLength } = into ?? new Uint8Array(bytes);
  assert(byteOffset % 4 === 0 && byteLength >= bytes, () => `gradient: needs ${String(bytes)} aligned bytes, got ${String(byteLength)} at offset ${String(byteOffset)}`);
  const floats = new Float32Array(buffer, byteOffset, bytes / 4);
  const words = new Uint32Array(buffer, byteOffset, bytes / 4);
  let at = dense;
  const parts = sparse.map(({ rows, columns }) => {
    words[at] = rows;
    const begin = at + 1;
    at = begin + rows * (1 + columns);
    return { rows: words.subarray(begin, begin + rows), values: floats.subarray(begin + rows, at) };
  });
  return { dense: floats.subarray(0, dense), sparse: parts };
}

/**
 * Reads what `encodeGradient` wrote, as views of `bytes` where possible.
 * @throws BpttError `invalid-argument` where the bytes do not fit the layout: length, row ids out of range or not ascending
 */
export function decodeGradient(layout: ParameterLayout, bytes: Uint8Array): Gradient {
  if (bytes.byteLength % 4 !== 0) throw new BpttError('invalid-argument', `gradient: expected a multiple of 4 bytes, got ${String(bytes.byteLength)}`);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const floats = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  let at = denseSize(layout);
  need(at);
  const sparse = sparseTensors(layout).map((tensor) => {
    need(at + 1);
    const count = words[at];
    const { rows: rowLimit, columns } = matrixShape(tensor);
    if (count > rowLimit) throw new BpttError('invalid-argument', `gradient: ${tensor.name} has ${String(rowLimit)} rows, got ${String(count)}`);
    need(at + 1 + count * (1 + columns));
    const rows = words.subarray(at + 1, at + 1 + count);
    for (let i = 0; i < count; i += 1) {
      if (rows[i] >= rowLimit || (i > 0 && rows[i] <= rows[i - 1])) {
        throw new BpttError('invalid-argument', `gradient: ${tensor.name} needs ascending row ids below ${String(rowLimit)}, got ${String(rows[i])} at ${String(i)}`);
      }
    }
    const values = floats.subarray(at + 1 + count, at + 1 + count * (1 + columns));
    at += 1 + count * (1 + columns);
    return { rows, values };
  });
  if (at !== floats.length) throw new BpttError('invalid-argument', `gradient: expected ${String(at * 4)} bytes, got ${String(bytes.byteLength)}`);
  return { dense: floats.subarray(0, denseSize(layout)), sparse };

  function need(elements: number): void {
    if (elements > floats.length) throw new BpttError('invalid-argument', `gradient: expected at least ${String(elements * 4)} bytes, got ${String(bytes.byteLength)}`);
  }
}
