import type { Backend, Ids, MatMulOptions, Matrix, Operations, OutputGradients, OutputLayer, Program, ProgramInputs } from './backend.js';
import { assert } from './errors.js';
import type { Activation } from './model-config.js';
import { errorOperations, gateOperations, host, sigmoid, type Make } from './reference-gates.js';
import { matrixShape, viewTensor, type ParameterLayout } from './parameters.js';
import { shapeText, type FloatArray, type HostMatrix } from './shape.js';

export type Precision = 'float32' | 'float64';

/**
 * The naive, readable truth that every faster backend is compared with. Both precisions compute in float64; `float32` rounds whatever it
 * stores. `float64` is the oracle.
 */
export function referenceBackend({ precision }: { readonly precision: Precision }): Backend {
  const operations = referenceOperations(precision);
  let parameters: Record<string, HostMatrix> = {};
  return {
    id: precision === 'float64' ? 'reference-f64/1' : 'reference/1',
    executes: `plain TypeScript, ${precision}`,
    setParameters(layout: ParameterLayout, values: FloatArray) {
      parameters = Object.fromEntries(layout.tensors.map((tensor) => [tensor.name, { ...matrixShape(tensor), values: viewTensor(values, tensor) }]));
    },
    run(program: Program, { matrices, ids }: ProgramInputs<HostMatrix, Int32Array>) {
      const outputs = program.trace(operations, parameters, { matrices, ids });
      return Promise.resolve(outputs as Record<string, HostMatrix>);
    },
    dispose() {
      parameters = {};
    },
  };
}

/** Here a vector of ids is its Int32Array. */
const idsOf = (ids: Ids): Int32Array => ids as unknown as Int32Array;

function referenceOperations(precision: Precision): Operations {
  const make: Make = (rows, columns) => ({ rows, columns, values: precision === 'float64' ? new Float64Array(rows * columns) : new Float32Array(rows * columns) });
  return {
    ...rowOperations(make),
    ...pointwiseOperations(make),
    ...gateOperations(make),
    ...errorOperations(make),
    matMul: (a, b, options = {}) => matMul(host(a), host(b), options, make),
    linearSoftmaxCrossEntropy: (layer) => linearSoftmaxCrossEntropy(layer, make),
    linearSoftmaxLoss: (layer) => softmaxRows(layer, make).losses,
  };
}

function rowOperations(make: Make): Pick<Operations, 'sumRows' | 'gatherRows' | 'scatterAddRows' | 'stack' | 'rows' | 'columns' | 'beside' | 'zeros'> {
  return {
    sumRows(a) {
      const sums = new Float64Array(a.columns);
      const { values } = host(a);
      for (let i = 0; i < values.length; i += 1) sums[i % a.columns] += values[i];
      const result = make(1, a.columns);
      result.values.set(sums);
      return result;
    },
    gatherRows(table, ids) {
      const { columns, values } = host(table);
      const result = make(ids.length, columns);
      idsOf(ids).forEach((id, i) => {
        assert(id >= -1 && id < table.rows, () => `gatherRows: row ${String(id)} of a table ${shapeText(table)}`);
        if (id >= 0) result.values.set(values.subarray(id * columns, (id + 1) * columns), i * columns);
      });
      return result;
    },
    scatterAddRows(matrix, groups, rows = matrix.rows) {
      const { columns, values } = host(matrix);
      assert(groups.length === matrix.rows, () => `scatterAddRows: ${String(groups.length)} groups for ${shapeText(matrix)}`);
      const sums = new Float64Array(rows * columns);
      idsOf(groups).forEach((group, i) => {
        assert(group >= -1 && group < rows, () => `scatterAddRows: row ${String(group)} of ${String(rows)}`);
        if (group >= 0) for (let j = 0; j < columns; j += 1) sums[group * columns + j] += values[i * columns + j];
      });
      const result = make(rows, columns);
      result.values.set(sums);
      return result;
    },
    stack(parts) {
      const { columns } = parts[0];
      const result = make(parts.reduce((sum, part) => sum + part.rows, 0), columns);
      let at = 0;
      for (const part of parts) {
        assert(part.columns === columns, () => `stack: ${shapeText(part)} below ${shapeText(parts[0])}`);
        result.values.set(host(part).values, at);
        at += part.rows * columns;
      }
      return result;
    },
    rows(a, begin, end) {
      assert(begin >= 0 && begin <= end && end <= a.rows, () => `rows: [${String(begin)}, ${String(end)}) of ${shapeText(a)}`);
      const view: HostMatrix = { rows: end - begin, columns: a.columns, values: host(a).values.subarray(begin * a.columns, end * a.columns) };
      return view;
    },
    columns(a, begin, end) {
      assert(begin >= 0 && begin <= end && end <= a.columns, () => `columns: [${String(begin)}, ${String(end)}) of ${shapeText(a)}`);
      const result = make(a.rows, end - begin);
      for (let i = 0; i < a.rows; i += 1) result.values.set(host(a).values.subarray(i * a.columns + begin, i * a.columns + end), i * (end - begin));
      return result;
    },
    beside(parts) {
      const { rows } = parts[0];
      const result = make(rows, parts.reduce((sum, part) => sum + part.columns, 0));
      let at = 0;
      for (const part of parts) {
        assert(part.rows === rows, () => `beside: ${shapeText(part)} beside ${shapeText(parts[0])}`);
        for (let i = 0; i < rows; i += 1) result.values.set(host(part).values.subarray(i * part.columns, (i + 1) * part.columns), i * result.columns + at);
        at += part.columns;
      }
      return result;
    },
    zeros: make,
  };
}

function pointwiseOperations(make: Make): Pick<Operations, 'add' | 'subtract' | 'multiply' | 'scale' | 'addRow' | 'activation' | 'activationBackward'> {
  const map = (a: Matrix, f: (x: number, i: number) => number): HostMatrix => {
    const result = make(a.rows, a.columns);
    const { values } = host(a);
    for (let i = 0; i < values.length; i += 1) result.values[i] = f(values[i], i);
    return result;
  };
  return {
    add(a, b) {
      assert(a.columns === b.columns && b.rows <= a.rows, () => `add: ${shapeText(b)} does not fit ${shapeText(a)}`);
      const { values } = host(b);
      return map(a, (x, i) => (i < values.length ? x + values[i] : x));
    },
    subtract(a, b) {
      assert(a.columns === b.columns && b.rows === a.rows, () => `subtract: ${shapeText(b)} does not fit ${shapeText(a)}`);
      const { values } = host(b);
      return map(a, (x, i) => x - values[i]);
    },
    multiply(a, b) {
      assert(a.columns === b.columns && b.rows >= a.rows, () => `multiply: ${shapeText(b)} does not fit ${shapeText(a)}`);
      const { values } = host(b);
      return map(a, (x, i) => x * values[i]);
    },
    scale(a, factor) {
      assert(factor.rows === 1 && factor.columns === 1, () => `scale: expected a factor [1, 1], got ${shapeText(factor)}`);
      const [by] = host(factor).values;
      return map(a, (x) => x * by);
    },
    addRow(a, row) {
      assert(row.rows === 1 && row.columns === a.columns, () => `addRow: ${shapeText(row)} does not fit ${shapeText(a)}`);
      const { values } = host(row);
      return map(a, (x, i) => x + values[i % a.columns]);
    },
    activation: (f, a) => map(a, ACTIVATE[f]),
    activationBackward(f, y, dY) {
      assert(y.rows === dY.rows && y.columns === dY.columns, () => `activationBackward: y ${shapeText(y)}, dY ${shapeText(dY)}`);
      const { values } = host(y);
      return map(dY, (d, i) => d * DERIVATIVE_FROM_OUTPUT[f](values[i]));
    },
  };
}

const ACTIVATE: Record<Activation, (a: number) => number> = {
  tanh: Math.tanh,
  // -0 becomes 0 and NaN stays NaN, on every backend.
  relu: (a) => (a <= 0 ? 0 : a),
  sigmoid,
};

const DERIVATIVE_FROM_OUTPUT: Record<Activation, (y: number) => number> = {
  tanh: (y) => 1 - y * y,
  relu: (y) => (y > 0 ? 1 : 0),
  sigmoid: (y) => y * (1 - y),
};

function matMul(a: HostMatrix, b: HostMatrix, { transposeA = false, transposeB = false, addend }: MatMulOptions, make: Make): HostMatrix {
  const [m, inner] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [innerB, n] = transposeB ? [b.columns, b.rows] : [b.rows, b.columns];
  assert(inner === innerB, () => `matMul: inner sizes ${String(inner)} and ${String(innerB)} differ (a ${shapeText(a)}, b ${shapeText(b)})`);
  assert(addend === undefined || (addend.columns === n && (addend.rows === m || addend.rows === 1)),
    () => `matMul: addend ${addend === undefined ? '' : shapeText(addend)} does not fit a product [${String(m)}, ${String(n)}]`);
  const left = toFloat64(a, transposeA);
  const right = toFloat64(b, !transposeB);
  const result = make(m, n);
  for (let i = 0; i < m; i += 1) {
    const addendRow = addend?.rows === 1 ? 0 : i * n;
    for (let j = 0; j < n; j += 1) {
      const start = addend === undefined ? 0 : host(addend).values[addendRow + j];
      result.values[i * n + j] = start + dot(left, i * inner, right, j * inner, inner);
    }
  }
  return result;
}

/** The rows of `matrix`, or of its transpose, as float64. */
function toFloat64({ rows, columns, values }: HostMatrix, transpose: boolean): Float64Array {
  if (!transpose) return Float64Array.from(values);
  const transposed = new Float64Array(values.length);
  for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) transposed[j * rows + i] = values[i * columns + j];
  return transposed;
}

function dot(left: Float64Array, l: number, right: Float64Array, r: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k += 1) sum += left[l + k] * right[r + k];
  return sum;
}

/** `o = W s + b`, then `losses = -log softmax(o)[y]` and `dLogits = softmax(o) - onehot(y)`; both zero where `y` is -1. */
function softmaxRows({ states, weight, bias, targets }: OutputLayer, make: Make): { losses: HostMatrix; dLogits: HostMatrix } {
  assert(targets.length === states.rows, () => `linearSoftmax: ${String(targets.length)} targets for states ${shapeText(states)}`);
  const logits = matMul(host(states), host(weight), { transposeB: true, addend: bias }, make);
  const losses = make(states.rows, 1);
  idsOf(targets).forEach((target, i) => {
    assert(target >= -1 && target < weight.rows, () => `linearSoftmax: target ${String(target)} of ${String(weight.rows)} words`);
    const row = logits.values.subarray(i * logits.columns, (i + 1) * logits.columns);
    if (target < 0) {
      row.fill(0);
      return;
    }
    let largest = -Infinity;
    for (const o of row) largest = o > largest || Number.isNaN(o) ? o : largest;
    let sum = 0;
    for (const o of row) sum += Math.exp(o - largest);
    losses.values[i] = largest + Math.log(sum) - row[target];
    for (let j = 0; j < row.length; j += 1) row[j] = Math.exp(row[j] - largest) / sum;
    row[target] -= 1;
  });
  return { losses, dLogits: logits };
}

function linearSoftmaxCrossEntropy(layer: OutputLayer, make: Make): OutputGradients {
  const { losses, dLogits } = softmaxRows(layer, make);
  const ones: HostMatrix = { rows: dLogits.rows, columns: 1, values: new Float64Array(dLogits.rows).fill(1) };
  return {
    losses,
    dStates: matMul(dLogits, host(layer.weight), {}, make),
    dWeight: matMul(dLogits, host(layer.states), { transposeA: true }, make),
    dBias: layer.bias && matMul(ones, dLogits, { transposeA: true }, make),
  };
}
