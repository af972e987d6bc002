import { carryParts, parameterLayout } from './language-model.js';
import { trainingInputs, type MicroshardSetting, type TrainingPlan } from './microshard-inputs.js';
import type { Microshard } from './microshard.js';
import { inspectionProgram } from './programs.js';
import { referenceBackend } from './reference-backend.js';
import { rowOf, type FloatArray, type HostMatrix } from './shape.js';

export const EXPLOSION_POLICIES = ['skip', 'stop', 'shrink'] as const;
/**
 * What happens to a step whose gradient is not finite. `skip`: step and data go on, parameters stay, the carried states of the affected
 * lanes become zero. `stop`: the run ends as failed. `shrink`: the gradient becomes `0.02 W_hh`, zero elsewhere (Pascanu et al. 2013).
 */
export type ExplosionPolicy = (typeof EXPLOSION_POLICIES)[number];

/** Where a forward or backward pass first left the finite numbers. */
export interface NonFiniteLocation {
  readonly microshard: number;
  /** Corpus index of the sequence. */
  readonly sequence: number;
  readonly timeStep: number;
  /** Layer from the bottom, 0 first; the number of layers stands for the output layer. */
  readonly layer: number;
  readonly phase: 'forward' | 'backward';
}

export interface ExplosionInput extends TrainingPlan, MicroshardSetting {
  readonly parameters: FloatArray;
  readonly microshard: Microshard;
}

/**
 * Finds where an explosion began, by running the microshard again on the float32 reference backend: the earliest moment with a state that
 * is not finite; else the earliest such loss (output layer); else, going back in time, the first moment with such a gradient.
 * Undefined where none of these leaves the finite numbers there.
 */
export async function locateNonFinite({ parameters, microshard, initialStates, batch, ...plan }: ExplosionInput): Promise<NonFiniteLocation | undefined> {
  const { model, objective } = plan;
  const backend = referenceBackend({ precision: 'float32' });
  backend.setParameters(parameterLayout(model), parameters);
  const { T, B } = microshard;
  const outputs = await backend.run(inspectionProgram(model, objective, microshard), trainingInputs(plan, microshard, { initialStates, batch }));
  const upwards = Array.from(model.hidden.keys());
  const forwards = Array.from({ length: T * B }, (_, row) => row);
  const stateNames = (l: number): string[] => carryParts(model).filter(({ layer }) => layer === l).map(({ part }) => `states.${String(l)}.${String(part)}`);
  return find('forward', forwards, upwards, stateNames)
    ?? find('forward', forwards, [model.hidden.length], () => ['losses'])
    ?? find('backward', forwards.toReversed(), upwards.toReversed(), (l) => [`errors.${String(l)}`]);

  function find(phase: NonFiniteLocation['phase'], rows: readonly number[], layers: readonly number[], namesOf: (layer: number) => string[]): NonFiniteLocation | undefined {
    for (const row of rows) {
      for (const layer of layers) {
        if (namesOf(layer).every((name) => isFiniteRow(outputs[name], row))) continue;
        return { microshard: microshard.index, sequence: microshard.sequences[row % B], timeStep: Math.floor(row / B), layer, phase };
      }
    }
    return undefined;
  }
}

function isFiniteRow(matrix: HostMatrix, row: number): boolean {
  return rowOf(matrix, row).every(Number.isFinite);
}
