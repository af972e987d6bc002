import { inspectionProgram, parameterLayout } from './language-model.js';
import { carryMatrices } from './microshard-computer.js';
import type { Microshard } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import { referenceBackend } from './reference-backend.js';
import type { FloatArray, HostMatrix } from './shape.js';
import type { Truncation } from './truncation.js';

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

export interface ExplosionInput {
  readonly model: ModelConfig;
  readonly truncation: Truncation;
  readonly parameters: FloatArray;
  readonly microshard: Microshard;
  readonly initialStates?: FloatArray | undefined;
}

/**
 * Finds where an explosion began, by running the microshard again on the float32 reference backend: the earliest moment with a state that
 * is not finite; else the earliest such loss (output layer); else, going back in time, the first moment with such a gradient.
 * Undefined where none of these leaves the finite numbers there.
 */
export async function locateNonFinite({ model, truncation, parameters, microshard, initialStates }: ExplosionInput): Promise<NonFiniteLocation | undefined> {
  const backend = referenceBackend({ precision: 'float32' });
  backend.setParameters(parameterLayout(model), parameters);
  const { T, B } = microshard;
  const outputs = await backend.run(inspectionProgram(model, truncation, microshard), {
    ids: { inputs: microshard.inputs, targets: microshard.targets },
    matrices: carryMatrices(model, B, initialStates),
  });
  const upwards = Array.from({ length: model.layers }, (_, layer) => layer);
  const forwards = Array.from({ length: T * B }, (_, row) => row);
  return find('forward', forwards, upwards, 'states')
    ?? find('forward', forwards, [model.layers], 'losses')
    ?? find('backward', forwards.toReversed(), upwards.toReversed(), 'errors');

  function find(phase: NonFiniteLocation['phase'], rows: readonly number[], layers: readonly number[], output: string): NonFiniteLocation | undefined {
    for (const row of rows) {
      for (const layer of layers) {
        if (isFiniteRow(outputs[output === 'losses' ? output : `${output}.${String(layer)}`], row)) continue;
        return { microshard: microshard.index, sequence: microshard.sequences[row % B], timeStep: Math.floor(row / B), layer, phase };
      }
    }
    return undefined;
  }
}

function isFiniteRow({ values, columns }: HostMatrix, row: number): boolean {
  return values.subarray(row * columns, (row + 1) * columns).every(Number.isFinite);
}
