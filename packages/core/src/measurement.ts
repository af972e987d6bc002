import type { Backend } from './backend.js';
import type { Microshard } from './microshard.js';
import type { ModelConfig } from './model-config.js';
import type { FloatArray } from './shape.js';

/** What is measured: a model at given parameters. */
export interface MeasuredModel {
  /** Computes; it is not disposed. */
  readonly backend: Backend;
  readonly model: ModelConfig;
  /** In the order of `parameterLayout(model)`; for the float64 reference in float64. */
  readonly parameters: FloatArray;
}

/** What it is measured on. Measurements know no dropout and no penalty: they look at the model, not at how it is trained. */
export interface MeasuredBatch {
  readonly microshard: Microshard;
  /** Carried states, in the order of `carryParts`; zeros where absent. */
  readonly initialStates?: FloatArray | undefined;
}
