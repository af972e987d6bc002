import type { ProgramInputs } from './backend.js';
import { dropoutMask } from './dropout.js';
import { assert } from './errors.js';
import { maskName } from './forward.js';
import { headOf } from './heads/heads.js';
import { carryParts, stateSize } from './language-model.js';
import { assertMicroshard, NO_TOKEN, type IdLimits, type Microshard } from './microshard.js';
import { targetIds, type ModelConfig } from './model-config.js';
import { needsBatch, type BatchContext, type Objective } from './objective.js';
import { penaltyInputs } from './penalties.js';
import type { FloatArray, HostMatrix } from './shape.js';

/** What a microshard is computed with, beside parameters. */
export interface MicroshardSetting {
  /** Carried states, in the order of `carryParts`; zeros where undefined. */
  readonly initialStates?: FloatArray | undefined;
  /** The batch around the microshard; needed where `needsBatch(objective)`. */
  readonly batch?: BatchContext | undefined;
}

/** What fixes the inputs of a training program beside the microshard. */
export interface TrainingPlan {
  readonly model: ModelConfig;
  readonly objective: Objective;
  /** Of the dropout masks. */
  readonly seed: number;
}

type Inputs = ProgramInputs<HostMatrix, Int32Array>;

/** Inputs of `lossProgram` without dropout. */
export function evaluationInputs(model: ModelConfig, microshard: Microshard, initialStates?: FloatArray): Inputs {
  assertMicroshard(microshard, idLimits(model));
  const { inputs, T, B, features } = microshard;
  const { ids, matrices } = headOf(model).inputs(microshard);
  const carry = carryMatrices(model, B, initialStates);
  if (model.input !== 'dense') return { ids: { inputs, ...ids }, matrices: { ...carry, ...matrices } };
  assert(features?.length === T * B * model.embedding, () => `microshard: expected ${String(T * B * model.embedding)} features, got ${String(features?.length)}`);
  return { ids, matrices: { features: { rows: T * B, columns: model.embedding, values: features }, ...carry, ...matrices } };
}

/** Inputs of `gradientProgram` and `inspectionProgram`, and the words whose rows the row-sparse gradients hold; none where there are no such gradients. */
export function trainingInputs(plan: TrainingPlan, microshard: Microshard, { initialStates, batch }: MicroshardSetting): Inputs & { readonly rows: Uint32Array } {
  const { model, objective } = plan;
  const { ids, matrices } = evaluationInputs(model, microshard, initialStates);
  const { rows, ...grouped } = model.input === 'dense' || model.tied ? { rows: new Uint32Array(0) } : groupRows(microshard.inputs);
  if (!needsBatch(objective)) return { rows, ids: { ...ids, ...grouped }, matrices };
  assert(batch !== undefined, () => 'a gradient with dropout or penalties needs to know the batch');
  const penalties = penaltyInputs(model, objective, microshard, batch.counts);
  return { rows, ids: { ...ids, ...grouped, ...penalties.ids }, matrices: { ...matrices, ...dropoutMasks(plan, microshard, batch.step), ...penalties.matrices } };
}

/** Dropout masks by `maskName`: of every connection whose input is real, from below each layer to the head. None where nothing is dropped. */
export function dropoutMasks({ model, objective, seed }: TrainingPlan, microshard: Microshard, step: number): Record<string, HostMatrix> {
  const { dropout, variational } = objective;
  if (dropout === 0) return {};
  const masks: Record<string, HostMatrix> = {};
  [model.embedding, ...model.hidden].forEach((columns, connection) => {
    if (connection === 0 && model.input === 'onehot') return;
    masks[maskName(connection)] = { rows: microshard.T * microshard.B, columns, values: dropoutMask(microshard, columns, { dropout, variational, seed, step, connection }) };
  });
  return masks;
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
  let at = 0;
  return Object.fromEntries(carryParts(model).map(({ name, units }) => {
    const begin = at;
    at += B * units;
    return [name, { rows: B, columns: units, values: states.subarray(begin, at) }];
  }));
}

/** Ids that `model` can read and predict. */
export function idLimits({ input, vocabulary, head }: ModelConfig): IdLimits {
  return { inputs: input === 'dense' ? Infinity : vocabulary, targets: targetIds({ head, vocabulary }) };
}
