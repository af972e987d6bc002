import type { Workspace } from './arithmetic.js';
import type { Activation } from './model-config.js';
import type { ParameterLayout } from './parameters.js';
import type { FloatArray, HostMatrix } from './shape.js';

/** A matrix that lives in a backend; opaque but for its shape. Never changes once made. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
}

/** A vector of row ids that lives in a backend. `-1` stands for no row. */
export interface Ids {
  readonly length: number;
}

export interface MatMulOptions {
  /** Use the transpose of the left operand. Default false. */
  readonly transposeA?: boolean;
  /** Use the transpose of the right operand. Default false. */
  readonly transposeB?: boolean;
  /** Added to the product: a matrix of its shape, or one row that is added to every row. */
  readonly addend?: Matrix | undefined;
}

/** The output layer `o = W s + b` with its loss, in one operation, so that a backend can block it by rows and never hold all logits. */
export interface OutputLayer {
  /** `[N, H]` */
  readonly states: Matrix;
  /** `[V, H]` */
  readonly weight: Matrix;
  /** `[1, V]`, or undefined where the model has no biases. */
  readonly bias: Matrix | undefined;
  /** `[N]`, word ids; a row whose target is -1 has loss zero and sends no gradient. */
  readonly targets: Ids;
}

/** What an LSTM step leaves: its carry, and the gates for the way back. */
export interface LstmStep {
  /** `h_t` `[N, H]` */
  readonly state: Matrix;
  /** `c_t` `[N, H]` */
  readonly cell: Matrix;
  /** `[N, 4H]`: i, f, g, o after their nonlinearities. */
  readonly gates: Matrix;
}

/** What an LSTM step is gone back through with. */
export interface LstmCache {
  readonly gates: Matrix;
  /** `c_{t-1}` `[N, H]` */
  readonly previousCell: Matrix;
  /** `c_t` `[N, H]` */
  readonly cell: Matrix;
}

/** What a GRU step is gone back through with. */
export interface GruCache {
  /** `[N, 3H]`: r, z, n after their nonlinearities. */
  readonly gates: Matrix;
  /** `W_hh h_{t-1} + b_hh` `[N, 3H]` */
  readonly recurrent: Matrix;
  /** `h_{t-1}` `[N, H]` */
  readonly previous: Matrix;
}

/** Loss of every row and the gradients of their sum. */
export interface OutputGradients {
  /** `[N, 1]`: `-log softmax(o_n)[y_n]` in nats. */
  readonly losses: Matrix;
  /** `[N, H]` */
  readonly dStates: Matrix;
  /** `[V, H]` */
  readonly dWeight: Matrix;
  /** `[1, V]`; undefined exactly where the bias was. */
  readonly dBias: Matrix | undefined;
}

/**
 * The operations that models are written in. They never change an operand: each returns a new matrix. The very same calls run
 * eagerly on CPU backends and are traced into a plan by gpu.js, so no operation may look at a value, only at shapes.
 */
export interface Operations {
  /** `[m, n] = op(a) op(b) + addend`. */
  matMul(a: Matrix, b: Matrix, options?: MatMulOptions): Matrix;
  /** `[N, n] = a + b`. `b` may have fewer rows than `a`: it is added to the first ones. */
  add(a: Matrix, b: Matrix): Matrix;
  /** `[N, n] = a - b`. */
  subtract(a: Matrix, b: Matrix): Matrix;
  /** `[N, n]`: `a` times `b`, element by element. `b` may have more rows than `a`: its first ones count. */
  multiply(a: Matrix, b: Matrix): Matrix;
  /** `[N, n]`: every element of `a` times the one of `factor` `[1, 1]`. */
  scale(a: Matrix, factor: Matrix): Matrix;
  /** `[N, n]`: the one row `row` `[1, n]` added to every row of `a`. */
  addRow(a: Matrix, row: Matrix): Matrix;
  /** `[1, n]`: the sum of all rows. */
  sumRows(a: Matrix): Matrix;
  /** `[N, D]`: row `ids[i]` of `table` in row `i`; zeros where the id is -1. */
  gatherRows(table: Matrix, ids: Ids): Matrix;
  /**
   * `[rows, D]`: row `g` is the sum of the rows `i` of `values` `[N, D]` with `groups[i] = g`, added in ascending `i`; -1 is left out.
   * @param rows default `N`
   */
  scatterAddRows(values: Matrix, groups: Ids, rows?: number): Matrix;
  /** `[sum of rows, n]`: the matrices one below the other. */
  stack(parts: readonly Matrix[]): Matrix;
  /** `[end - begin, n]`: the rows `[begin, end)` of `a`. */
  rows(a: Matrix, begin: number, end: number): Matrix;
  /** `[N, end - begin]`: the columns `[begin, end)` of `a`. */
  columns(a: Matrix, begin: number, end: number): Matrix;
  /** `[N, sum of columns]`: the matrices side by side. */
  beside(parts: readonly Matrix[]): Matrix;
  /** `[rows, columns]` of zeros. */
  zeros(rows: number, columns: number): Matrix;
  /** `f(a)`, element by element. */
  activation(f: Activation, a: Matrix): Matrix;
  /** `dA = dY * f'(a)`, where `f'` is computed from the output `y = f(a)`. */
  activationBackward(f: Activation, y: Matrix, dY: Matrix): Matrix;
  /** One LSTM step from its pre-activations `[N, 4H]` (i, f, g, o) and `c_{t-1}`; the equations are in `cells/lstm.ts`. */
  lstmGates(preActivations: Matrix, previousCell: Matrix): LstmStep;
  /** The way back through `lstmGates`, from the gradients of `h_t` and `c_t`. */
  lstmGatesBackward(cache: LstmCache, dState: Matrix, dCell: Matrix): { readonly dPreActivations: Matrix; readonly dPreviousCell: Matrix };
  /** One GRU step from `W_ih x_t + b_ih`, `W_hh h_{t-1} + b_hh` (each `[N, 3H]`: r, z, n) and `h_{t-1}`; the equations are in `cells/gru.ts`. */
  gruGates(projected: Matrix, recurrent: Matrix, previous: Matrix): { readonly state: Matrix; readonly gates: Matrix };
  /** The way back through `gruGates`. `dPrevious` is what reaches `h_{t-1}` past the recurrent product. */
  gruGatesBackward(cache: GruCache, dState: Matrix): { readonly dProjected: Matrix; readonly dRecurrent: Matrix; readonly dPrevious: Matrix };
  /** Row `n`: `losses = mean_j (a_nj - b_nj)^2` `[N, 1]` and the gradient of their sum `[N, n]`. */
  squaredError(a: Matrix, b: Matrix): { readonly losses: Matrix; readonly dA: Matrix };
  /**
   * Pascanu's penalty of the Jacobian `ds_t/ds_{t-1}`, row by row: with `e` the error `dE/ds_t`, `v = dE/da_t` and `u = W_hh^T v` (each `[N, H]`)
   * `penalties = (||u|| / ||e|| - 1)^2` `[N, 1]`, and `scaled` such that `scaled^T u` is the gradient of their sum by `W_hh` with `e` and `v`
   * held fast. A row with `e` zero is left out: both are zero. One with `u` zero has penalty 1 and gradient zero.
   */
  jacobianPenalty(e: Matrix, v: Matrix, u: Matrix): { readonly penalties: Matrix; readonly scaled: Matrix };
  /** Loss of the output layer, and the gradient of the sum of the losses. */
  linearSoftmaxCrossEntropy(layer: OutputLayer): OutputGradients;
  /** `[N, 1]`: loss of the output layer alone, the bits of `linearSoftmaxCrossEntropy(layer).losses`. */
  linearSoftmaxLoss(layer: OutputLayer): Matrix;
}

/** What a program reads, by name. */
export interface ProgramInputs<M, I> {
  readonly matrices: Readonly<Record<string, M>>;
  readonly ids: Readonly<Record<string, I>>;
}

/** A computation written in `Operations`: parameters and inputs in, named matrices out. */
export interface Program {
  /**
   * Names the computation. Together with the shapes of parameters and inputs it must fix everything that `trace` does: a backend may
   * trace once for each key and set of shapes and replay.
   */
  readonly key: string;
  trace(operations: Operations, parameters: Readonly<Record<string, Matrix>>, inputs: ProgramInputs<Matrix, Ids>): Record<string, Matrix>;
}

/** Executes programs. One instance serves one thread and runs one program at a time. */
export interface Backend {
  /** Names everything that the bits of a result depend on. Workers with another id are refused. */
  readonly id: string;
  /** What really executes, for people: for instance `WebAssembly SIMD` or `gpu.js WebAssemblyKernel`. */
  readonly executes: string;
  /** Bytes of memory that it has taken so far; undefined where it does not count them. */
  readonly memoryBytes?: number;
  /** Memory of the backend, and fast arithmetic on it: parameters that lie there are read without a copy. Undefined where it has none to share. */
  readonly workspace?: Workspace;
  /**
   * Makes parameters resident until the next call. A rank-1 tensor `[n]` becomes a matrix `[1, n]`.
   * The values are copied or read later: they must not change before the next call.
   */
  setParameters(layout: ParameterLayout, values: FloatArray): void;
  /**
   * Runs a program. What `inputs` holds is read until the promise is settled, and must not change before. The arrays returned belong to the backend and are valid until its next call.
   * @param wanted where the gradients of parameters are wanted, by the names of the parameters. Where that is memory of the backend, `linearSoftmaxCrossEntropy` may
   * write its `dWeight` there, the first time in a run that the parameter is its weight; what is returned is then that very array.
   * @throws BpttError `resource-exhausted` when the memory of the backend does not suffice
   */
  run(program: Program, inputs: ProgramInputs<HostMatrix, Int32Array>, wanted?: Readonly<Record<string, FloatArray>>): Promise<Record<string, HostMatrix>>;
  /**
   * Does parts of what other threads compute on backends that share their memory with this one, until they are done or this thread is called back, and blocks this one
   * meanwhile. No bit depends on it. Undefined where it cannot.
   */
  assist?(): void;
  /** Gives back what the backend holds. Nothing may be called afterwards. */
  dispose(): void;
}
