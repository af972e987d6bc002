import type { Backend } from './backend.js';
import { assert } from './errors.js';
import { denseSize, denseTensors, layOutGradient, sparseTensors, type Gradient } from './gradient.js';
import { headOf } from './heads/heads.js';
import { carryParts, parameterLayout } from './language-model.js';
import { carryMatrices, evaluationInputs, trainingInputs, type MicroshardSetting, type TrainingPlan } from './microshard-inputs.js';
import { countSequences, countTargets, type Microshard } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import { matrixShape, type ParameterLayout } from './parameters.js';
import { gradientProgram, logitsProgram, lossProgram } from './programs.js';
import type { FloatArray, HostMatrix } from './shape.js';

/** What one microshard contributes to a batch. */
export interface MicroshardResult {
  /** Sum over the targets of their losses, in nats, added in float64 in row order. */
  readonly lossSum: number;
  /** Targets that counted. */
  readonly tokens: number;
  /** Sequences that are not padding. */
  readonly sequences: number;
  /** Gradient of `lossSum` and of the microshard's share of the penalties, undivided; undefined after `evaluate`. */
  readonly gradient: Gradient | undefined;
  /** Carry after the last step, in the order of `carryParts`. */
  readonly finalStates: Float32Array;
}

/** Computes microshards of one model, one at a time. */
export interface MicroshardComputer {
  readonly layout: ParameterLayout;
  /** Sets the parameters for the calls that follow. They must not change while in use. */
  setParameters(values: FloatArray): void;
  /** @param into where the gradient is written, as `encodeGradient` writes it; default: new memory */
  gradient(microshard: Microshard, setting?: MicroshardSetting, into?: Uint8Array): Promise<MicroshardResult>;
  /** Loss without gradient and without dropout: then the same loss, bit for bit, as `gradient` has. */
  evaluate(microshard: Microshard, initialStates?: FloatArray): Promise<MicroshardResult>;
}

export interface MicroshardComputerOptions extends TrainingPlan {
  readonly backend: Backend;
}

export function createMicroshardComputer({ backend, ...plan }: MicroshardComputerOptions): MicroshardComputer {
  const { model, objective } = plan;
  const layout = parameterLayout(model);
  return {
    layout,
    setParameters(values) {
      assert(values.length === layout.size, () => `setParameters: expected ${String(layout.size)} values, got ${String(values.length)}`);
      backend.setParameters(layout, values);
    },
    async gradient(microshard, setting = {}, into?: Uint8Array) {
      const { rows, ...inputs } = trainingInputs(plan, microshard, setting);
      const { gradient, dense, sparse } = layOutTensors(layout, rows, into);
      const outputs = await backend.run(gradientProgram(model, objective, microshard), inputs, dense);
      for (const [name, place] of Object.entries(dense)) {
        const { values } = outputs[`d ${name}`];
        if (values !== place) place.set(values);
      }
      for (const [name, place] of Object.entries(sparse)) place.set(outputs[`d ${name}`].values.subarray(0, place.length));
      return { ...summarize(model, microshard, outputs), gradient };
    },
    async evaluate(microshard, initialStates) {
      const outputs = await backend.run(lossProgram(model, microshard), evaluationInputs(model, microshard, initialStates));
      return { ...summarize(model, microshard, outputs), gradient: undefined };
    },
  };
}

/** The next word of `B` sequences at a time, with carried state: constant work a word. For models that read and predict words. */
export interface Stepper {
  setParameters(values: FloatArray): void;
  /**
   * @param words the words just read, `[B]`
   * @param states in the order of `carryParts`
   * @returns `logits` `[B, V]`: log-probabilities but for a constant of each row
   */
  step(words: Int32Array, states: FloatArray): Promise<{ readonly logits: HostMatrix; readonly states: Float32Array }>;
}

export function createStepper({ backend, model }: Pick<MicroshardComputerOptions, 'backend' | 'model'>): Stepper {
  assert(model.input !== 'dense', () => 'createStepper: expected a model that reads words, got dense input');
  const layout = parameterLayout(model);
  const head = headOf(model);
  return {
    setParameters(values) {
      backend.setParameters(layout, values);
    },
    async step(words, states) {
      const B = words.length;
      const outputs = await backend.run(logitsProgram(model, { T: 1, B }), { ids: { inputs: words }, matrices: carryMatrices(model, B, states) });
      const values = head.scores(outputs);
      return { logits: { rows: B, columns: values.length / B, values }, states: collectStates(model, outputs) };
    },
  };
}

function collectStates(model: ModelConfig, outputs: Record<string, HostMatrix>): Float32Array {
  return concatenate(carryParts(model).map(({ name }) => outputs[name].values));
}

function summarize(model: ModelConfig, microshard: Microshard, outputs: Record<string, HostMatrix>): Omit<MicroshardResult, 'gradient'> {
  return { lossSum: sumLosses(outputs.losses.values), tokens: countTargets(microshard), sequences: countSequences(microshard), finalStates: collectStates(model, outputs) };
}

/** The sum of row losses, in float64 and row order. */
export function sumLosses(losses: FloatArray): number {
  let sum = 0;
  for (const loss of losses) sum += loss;
  return sum;
}

/** A gradient to be filled, the ids of its rows set, and the places of its tensors by name. */
function layOutTensors(layout: ParameterLayout, rows: Uint32Array, into: Uint8Array | undefined) {
  const ofSparse = sparseTensors(layout);
  const gradient = layOutGradient({ dense: denseSize(layout), sparse: ofSparse.map((tensor) => ({ rows: rows.length, columns: matrixShape(tensor).columns })) }, into);
  const dense: Record<string, Float32Array> = {}, sparse: Record<string, Float32Array> = {};
  let at = 0;
  for (const { name, begin, end } of denseTensors(layout)) {
    dense[name] = gradient.dense.subarray(at, at + end - begin);
    at += end - begin;
  }
  ofSparse.forEach(({ name }, i) => {
    gradient.sparse[i].rows.set(rows);
    sparse[name] = gradient.sparse[i].values;
  });
  return { gradient, dense, sparse };
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
