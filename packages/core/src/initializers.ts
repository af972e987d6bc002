import { BpttError } from './errors.js';
import { matrixShape, viewTensor, type ParameterLayout, type TensorSpec } from './parameters.js';
import { stream, type RandomStream } from './random.js';
import { spectralRadius } from './spectral.js';

/**
 * How parameters begin. `n` is the number of incoming connections of a unit; for the matrix of a one-hot input and for an embedding it is
 * V, one connection from every word; for a bias it is that of its weight.
 */
export type Initializer =
  /** U[-1/sqrt(n), 1/sqrt(n)] everywhere: the tutorial's. */
  | { readonly kind: 'uniformFanIn' }
  /** U[-a, a] everywhere. */
  | { readonly kind: 'uniform'; readonly a: number }
  /** Weights U[-b, b] with b = sqrt(6 / (n + m)), m the outgoing units of one gate (Glorot and Bengio 2010); biases zero. */
  | { readonly kind: 'xavier' }
  /** Each gate's block of W_hh a random orthogonal matrix (Saxe et al. 2014); other weights as uniformFanIn, biases zero. */
  | { readonly kind: 'orthogonal' }
  /** W_hh the identity (IRNN, with relu: Le et al. 2015); other weights as uniformFanIn, biases zero. */
  | { readonly kind: 'identity' }
  /** W_hh with 15 random connections into every unit, scaled to spectral radius r (Sutskever et al. 2013); the rest as `identity` has it. */
  | { readonly kind: 'spectralRadius'; readonly r: number };

/** Everything that fixes the first parameters but the seed. */
export interface Initialization {
  readonly init: Initializer;
  /** The forget gate's share of every `bias_ih`, with that of `bias_hh` zero (Gers et al. 2000); undefined leaves both to `init`. */
  readonly forgetBias?: number | undefined;
}

/** The tutorial's initialiser. */
export const INITIALIZATION_DEFAULTS: Initialization = { init: { kind: 'uniformFanIn' } };

/** Connections into each unit of a sparse W_hh. */
const SPARSE_FAN_IN = 15;
/** Relative error of the radius that a sparse W_hh is scaled to: no more is to be seen in float32. */
const RADIUS_TOLERANCE = 1e-7;
const PLAIN_KINDS = ['uniformFanIn', 'xavier', 'orthogonal', 'identity'] as const;
const FORMS = `${PLAIN_KINDS.join(', ')}, uniform:a or spectralRadius:r (a and r above 0)`;

/**
 * Reads `uniformFanIn`, `uniform:a`, `xavier`, `orthogonal`, `identity` or `spectralRadius:r`.
 * @throws BpttError `invalid-argument` for anything else
 */
export function parseInitializer(text: string): Initializer {
  const plain = PLAIN_KINDS.find((kind) => kind === text);
  if (plain !== undefined) return { kind: plain };
  const match = /^(uniform|spectralRadius):(\d*\.?\d+(?:e-?\d+)?)$/i.exec(text);
  const value = Number(match?.[2]);
  if (value > 0 && Number.isFinite(value)) {
    if (match?.[1] === 'uniform') return { kind: 'uniform', a: value };
    if (match?.[1] === 'spectralRadius') return { kind: 'spectralRadius', r: value };
  }
  throw new BpttError('invalid-argument', `init: expected ${FORMS}, got ${JSON.stringify(text)}`);
}

/** The text that `parseInitializer` reads back. */
export function formatInitializer(init: Initializer): string {
  if (init.kind === 'uniform') return `uniform:${String(init.a)}`;
  return init.kind === 'spectralRadius' ? `spectralRadius:${String(init.r)}` : init.kind;
}

/**
 * First parameters. A tensor's numbers depend on the seed, its name and its shape alone, so that adding a tensor changes no other.
 */
export function initializeLayout(layout: ParameterLayout, { init, forgetBias }: Initialization, seed: number): Float32Array {
  const values = new Float32Array(layout.size);
  for (const tensor of layout.tensors) {
    const view = viewTensor(values, tensor);
    fill(view, { layout, tensor, init, random: stream(seed, `initialize ${tensor.name}`) });
    if (forgetBias !== undefined && isBiasOfCell(tensor)) {
      const [begin, end] = [view.length / 4, view.length / 2];
      view.fill(tensor.name.includes('bias_ih') ? forgetBias : 0, begin, end);
    }
  }
  return values;
}

interface Filling {
  readonly layout: ParameterLayout;
  readonly tensor: TensorSpec;
  readonly init: Initializer;
  readonly random: RandomStream;
}

function fill(view: Float32Array, { layout, tensor, init, random }: Filling): void {
  const isBias = tensor.shape.length === 1;
  if (init.kind === 'uniformFanIn') fillUniform(view, random, 1 / Math.sqrt(fans(layout, tensor).fanIn));
  else if (init.kind === 'uniform') fillUniform(view, random, init.a);
  else if (isBias) view.fill(0);
  else if (init.kind === 'xavier') {
    const { fanIn, fanOut } = fans(layout, tensor);
    fillUniform(view, random, Math.sqrt(6 / (fanIn + fanOut)));
  } else if (isRecurrent(tensor)) fillRecurrent(view, tensor, init, random);
  else fillUniform(view, random, 1 / Math.sqrt(fans(layout, tensor).fanIn));
}

function fillUniform(view: Float32Array, random: RandomStream, bound: number): void {
  for (let i = 0; i < view.length; i += 1) view[i] = (2 * random.uniform(i) - 1) * bound;
}

function fillRecurrent(view: Float32Array, tensor: TensorSpec, init: Exclude<Initializer, { kind: 'uniformFanIn' | 'uniform' | 'xavier' }>, random: RandomStream): void {
  const H = matrixShape(tensor).columns;
  for (let block = 0; block < view.length; block += H * H) {
    const square = view.subarray(block, block + H * H);
    if (init.kind === 'identity') for (let i = 0; i < H; i += 1) square[i * H + i] = 1;
    else if (init.kind === 'orthogonal') square.set(randomOrthogonal(H, random, block));
    else square.set(sparseOfRadius(H, init.r, random));
  }
}

/**
 * A random orthogonal matrix `[n, n]`: Gram-Schmidt over rows of normal numbers, each made orthogonal twice, which is enough for rounding
 * (Giraud et al. 2005).
 */
function randomOrthogonal(n: number, random: RandomStream, counter: number): Float64Array {
  const q = Float64Array.from({ length: n * n }, (_, i) => normal(random, counter + i));
  const row = (i: number): Float64Array => q.subarray(i * n, (i + 1) * n);
  for (let i = 0; i < n; i += 1) {
    for (let pass = 0; pass < 2; pass += 1) {
      for (let j = 0; j < i; j += 1) {
        const projection = dot(row(i), row(j));
        for (let k = 0; k < n; k += 1) q[i * n + k] -= projection * q[j * n + k];
      }
    }
    const length = Math.sqrt(dot(row(i), row(i)));
    for (let k = 0; k < n; k += 1) q[i * n + k] /= length;
  }
  return q;
}

/** `[n, n]` with normal numbers from `SPARSE_FAN_IN` random units, or all where there are fewer, scaled to spectral radius `r`. */
function sparseOfRadius(n: number, r: number, random: RandomStream): Float64Array {
  const matrix = new Float64Array(n * n);
  let counter = 0;
  for (let i = 0; i < n; i += 1) {
    const sources = Array.from({ length: n }, (_, j) => j);
    for (let chosen = 0; chosen < Math.min(SPARSE_FAN_IN, n); chosen += 1) {
      const pick = chosen + Math.floor(random.uniform(counter) * (n - chosen));
      [sources[chosen], sources[pick]] = [sources[pick], sources[chosen]];
      matrix[i * n + sources[chosen]] = normal(random, counter + 1);
      counter += 2;
    }
  }
  const scale = r / spectralRadius(matrix, n, RADIUS_TOLERANCE);
  return matrix.map((value) => value * scale);
}

const UNIFORMS = 12;

/**
 * A nearly normal number of mean 0 and variance 1: the sum of twelve uniform ones less six. Plain additions, so that its bits do not depend on
 * a version's logarithm or cosine.
 */
function normal(random: RandomStream, counter: number): number {
  let sum = -UNIFORMS / 2;
  for (let i = 0; i < UNIFORMS; i += 1) sum += random.uniform(0x80000000 + counter * UNIFORMS + i);
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

function isRecurrent({ name }: TensorSpec): boolean {
  return name.startsWith('rnn.weight_hh');
}

function isBiasOfCell({ name }: TensorSpec): boolean {
  return name.startsWith('rnn.bias_');
}

/** Connections into a unit and out of an input of the weight that `tensor` is or goes with; of one gate where there are several. */
function fans(layout: ParameterLayout, tensor: TensorSpec): { fanIn: number; fanOut: number } {
  const weight = layout.tensors.find(({ name }) => name === tensor.name.replace('bias', 'weight')) ?? tensor;
  const { rows, columns } = matrixShape(weight);
  const readByWord = weight.transposed || weight.name === 'encoder.weight';
  const [fanIn, out] = readByWord ? [rows, columns] : [columns, rows];
  return { fanIn, fanOut: out / gatesOf(layout, weight) };
}

/** Gates that share the rows of a cell's weight; 1 for other weights. */
function gatesOf(layout: ParameterLayout, { name }: TensorSpec): number {
  const recurrent = layout.tensors.find((tensor) => tensor.name === name.replace('weight_ih', 'weight_hh'));
  if (!name.startsWith('rnn.weight_') || recurrent === undefined) return 1;
  const { rows, columns } = matrixShape(recurrent);
  return rows / columns;
}
