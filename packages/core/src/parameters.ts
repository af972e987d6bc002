import { assert } from './errors.js';
import type { FloatArray } from './shape.js';

/** One named tensor inside the flat array of all parameters: elements `[begin, end)`, row-major. */
export interface TensorSpec {
  /** PyTorch's name, as in a state dict: `rnn.weight_hh_l0`, `decoder.weight`, ... */
  readonly name: string;
  /** Shape as it lies in the flat array: `[n]` or `[rows, columns]`. */
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
  /** Whether its gradient is kept as ascending row ids and a compact matrix (rows of words that occurred). */
  readonly rowSparse: boolean;
  /**
   * Whether the flat array holds the transpose of PyTorch's tensor. True only for the input matrix of a one-hot model: a word reads a
   * row here, where PyTorch's `weight_ih_l0` `[H, V]` would need a column. Files hold PyTorch's orientation.
   */
  readonly transposed: boolean;
  /** Another name under which PyTorch's state dict holds the same elements: a tied model's embedding is its output matrix too. */
  readonly alias: string | undefined;
}

/** All parameters of a model in one flat array. */
export interface ParameterLayout {
  readonly tensors: readonly TensorSpec[];
  /** Elements of the flat array. */
  readonly size: number;
}

export type TensorDeclaration = Pick<TensorSpec, 'name' | 'shape'> & Partial<Pick<TensorSpec, 'rowSparse' | 'transposed' | 'alias'>>;

/** Lays tensors out back to back in the order given. */
export function layOut(declarations: readonly TensorDeclaration[]): ParameterLayout {
  let begin = 0;
  const tensors = declarations.map(({ name, shape, rowSparse = false, transposed = false, alias }) => {
    const end = begin + shape.reduce((product, n) => product * n, 1);
    const tensor: TensorSpec = { name, shape, begin, end, rowSparse, transposed, alias };
    begin = end;
    return tensor;
  });
  return { tensors, size: begin };
}

/** The tensor called `name`. */
export function tensorNamed(layout: ParameterLayout, name: string): TensorSpec {
  const tensor = layout.tensors.find((candidate) => candidate.name === name);
  assert(tensor !== undefined, () => `layout has no tensor ${name}, only ${layout.tensors.map((t) => t.name).join(', ')}`);
  return tensor;
}

/** Rows and columns of a tensor as a matrix; rank 1 is one row. */
export function matrixShape(tensor: TensorSpec): { rows: number; columns: number } {
  const { shape } = tensor;
  return shape.length === 1 ? { rows: 1, columns: shape[0] } : { rows: shape[0], columns: shape[1] };
}

/** The elements of `tensor` inside `values`, as a view. */
export function viewTensor<A extends FloatArray>(values: A, tensor: TensorSpec): A {
  return values.subarray(tensor.begin, tensor.end) as A;
}

/** The shape that PyTorch gives `tensor`. */
export function shapeInPyTorch(tensor: TensorSpec): readonly number[] {
  return tensor.transposed ? tensor.shape.toReversed() : tensor.shape;
}

/** A copy of the elements of `tensor` as PyTorch orients them. */
export function toPyTorch<A extends FloatArray>(tensor: TensorSpec, values: A): A {
  const { rows, columns } = matrixShape(tensor);
  return tensor.transposed ? transpose(values, rows, columns) : (values.slice() as A);
}

/** A copy of PyTorch's elements as the flat array holds `tensor`: the inverse of `toPyTorch`. */
export function fromPyTorch<A extends FloatArray>(tensor: TensorSpec, values: A): A {
  const { rows, columns } = matrixShape(tensor);
  return tensor.transposed ? transpose(values, columns, rows) : (values.slice() as A);
}

/** `[columns, rows]` from `[rows, columns]`. */
function transpose<A extends FloatArray>(values: A, rows: number, columns: number): A {
  const transposed = values.slice() as A;
  for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) transposed[j * rows + i] = values[i * columns + j];
  return transposed;
}
