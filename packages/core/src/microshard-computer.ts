import type { Backend } from './backend.js';
import { assert } from './errors.js';
import type { Gradient, SparseRows } from './gradient.js';
import { carryName, cellOf, gradientProgram, logitsProgram, lossProgram, parameterLayout, stateSize } from './language-model.js';
import { assertMicroshard, countSequences, countTargets, NO_TOKEN, type Microshard } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import type { ParameterLayout } from './parameters.js';
import type { FloatArray, HostMatrix } from './shape.js';
import type { Truncation } from './truncation.js';

/** What one microshard contributes to a batch. */
export interface MicroshardResult {
  /** Sum over the targets of their losses, in nats, added in float64 in row order. */
  readonly lossSum: number;
  /** Targets that counted. */
  readonly tokens: number;
  /** Sequences that are not padding. */
  readonly sequences: number;
  /** Gradient of `lossSum`, undivided; undefined after `evaluate`. */
  readonly gradient: Gradient | undefined;
  /** Carry after the last step, `[L, parts, B, H]`. */
  readonly finalStates: Float32Array;
}

/** Computes microshards of one model, one at a time. */
export interface MicroshardComputer {
  readonly layout: ParameterLayout;
  /** Sets the parameters for the calls that follow. They must not change while in use. */
  setParameters(values: FloatArray): void;
  /** @param initialStates `[L, parts, B, H]`; zeros where absent */
  gradient(microshard: Microshard, initialStates?: FloatArray): Promise<MicroshardResult>;
  /** Loss without gradient. The same loss, bit for bit, as `gradient` has. */
  evaluate(microshard: Microshard, initialStates?: FloatArray): Promise<MicroshardResult>;
}

export interface MicroshardComputerOptions {
  readonly backend: Backend;
  readonly model: ModelConfig;
  readonly truncation: Truncation;
}

export function createMicroshardComputer({ backend, model, truncation }: MicroshardComputerOptions): MicroshardComputer {
  const layout = parameterLayout(model);
  return {
    layout,
    setParameters(values) {
      assert(values.length === layout.size, () => `setParameters: expected ${String(layout.size)} values, got ${String(values.length)}`);
      backend.setParameters(layout, values);
    },
    async gradient(microshard, initialStates) {
      assertMicroshard(microshard, model.vocabulary);
      const { rows, groups } = groupRows(microshard.inputs);
      const ids = { inputs: microshard.inputs, groups, targets: microshard.targets };
      const outputs = await backend.run(gradientProgram(model, truncation, microshard), { ids, matrices: carryMatrices(model, microshard.B, initialStates) });
      return { ...summarize(model, microshard, outputs), gradient: assembleGradient(layout, outputs, rows) };
    },
    async evaluate(microshard, initialStates) {
      assertMicroshard(microshard, model.vocabulary);
      const ids = { inputs: microshard.inputs, targets: microshard.targets };
      const outputs = await backend.run(lossProgram(model, microshard), { ids, matrices: carryMatrices(model, microshard.B, initialStates) });
      return { ...summarize(model, microshard, outputs), gradient: undefined };
    },
  };
}

/** The next word of `B` sequences at a time, with carried state: constant work a word. */
export interface Stepper {
  setParameters(values: FloatArray): void;
  /**
   * @param words the words just read, `[B]`
   * @param states `[L, parts, B, H]`
   */
  step(words: Int32Array, states: FloatArray): Promise<{ readonly logits: HostMatrix; readonly states: Float32Array }>;
}

export function createStepper({ backend, model }: Pick<MicroshardComputerOptions, 'backend' | 'model'>): Stepper {
  const layout = parameterLayout(model);
  return {
    setParameters(values) {
      backend.setParameters(layout, values);
    },
    async step(words, states) {
      const B = words.length;
      const outputs = await backend.run(logitsProgram(model, { T: 1, B }), { ids: { inputs: words }, matrices: carryMatrices(model, B, states) });
      const { rows, columns, values } = outputs.logits;
      return { logits: { rows, columns, values: values.slice() }, states: collectStates(model, B, outputs) };
    },
  };
}

/** Distinct words of `inputs`, ascending, and for every position the place of its word among them; `NO_TOKEN` stays so. */
export function groupRows(inputs: Int32Array): { readonly rows: Uint32Array; readonly groups: Int32Array } {
  const rows = Uint32Array.from(new Set(inputs.filter((id) => id !== NO_TOKEN))).sort();
  const place = new Map(Array.from(rows, (row, i) => [row, i]));
  return { rows, groups: inputs.map((id) => place.get(id) ?? NO_TOKEN) };
}

/** The carry of every layer as matrices `[B, H]`, named by `carryName`. */
export function carryMatrices(model: ModelConfig, B: number, states: FloatArray = new Float32Array(stateSize(model, B))): Record<string, HostMatrix> {
  assert(states.length === stateSize(model, B), () => `states: expected ${String(stateSize(model, B))} values, got ${String(states.length)}`);
  const block = B * model.hidden;
  return Object.fromEntries(carryNames(model).map((name, i) => [name, { rows: B, columns: model.hidden, values: states.subarray(i * block, (i + 1) * block) }]));
}

function carryNames(model: ModelConfig): string[] {
  const parts = cellOf(model).carryParts;
  return Array.from({ length: model.layers * parts }, (_, i) => carryName(Math.floor(i / parts), i % parts));
}

function collectStates(model: ModelConfig, B: number, outputs: Record<string, HostMatrix>): Float32Array {
  const states = new Float32Array(stateSize(model, B));
  carryNames(model).forEach((name, i) => {
    states.set(outputs[name].values, i * B * model.hidden);
  });
  return states;
}

function summarize(model: ModelConfig, microshard: Microshard, outputs: Record<string, HostMatrix>): Omit<MicroshardResult, 'gradient'> {
  return { lossSum: sumLosses(outputs.losses.values), tokens: countTargets(microshard), sequences: countSequences(microshard), finalStates: collectStates(model, microshard.B, outputs) };
}

/** The sum of row losses, in float64 and row order. */
export function sumLosses(losses: FloatArray): number {
  let sum = 0;
  for (const loss of losses) sum += loss;
  return sum;
}

function assembleGradient(layout: ParameterLayout, outputs: Record<string, HostMatrix>, rows: Uint32Array): Gradient {
  const dense: FloatArray[] = [];
  const sparse: SparseRows[] = [];
  for (const tensor of layout.tensors) {
    const { columns, values } = outputs[`d ${tensor.name}`];
    if (tensor.rowSparse) sparse.push({ rows, values: Float32Array.from(values.subarray(0, rows.length * columns)) });
    else dense.push(values);
  }
  return { dense: concatenate(dense), sparse };
}

function concatenate(parts: readonly FloatArray[]): Float32Array {
  const result = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
