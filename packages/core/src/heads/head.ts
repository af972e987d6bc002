import type { Ids, Matrix, Operations, ProgramInputs } from '../backend.js';
import type { Microshard } from '../microshard.js';
import type { TensorDeclaration } from '../parameters.js';
import type { FloatArray, HostMatrix } from '../shape.js';

export type Parameters = Readonly<Record<string, Matrix>>;

/** Losses and the gradients of their sum. */
export interface HeadGradients {
  /** `[N, 1]` in nats, or squared units; zero where nothing is to be predicted. */
  readonly losses: Matrix;
  /** `[N, H]` */
  readonly dStates: Matrix;
  /** Of every tensor that the head declares, by its name. */
  readonly dParameters: Readonly<Record<string, Matrix>>;
}

/** What stands between the states of the top layer and the loss: forward and backward side by side. */
export interface Head {
  /** Its parameters; none that it shares with the embedding. */
  readonly declarations: readonly TensorDeclaration[];
  /**
   * What it makes of the targets.
   * @throws Error for targets that it cannot predict
   */
  inputs(microshard: Microshard): ProgramInputs<HostMatrix, Int32Array>;
  /** `[N, 1]`: the losses alone, the bits of `gradients(...).losses`. @param states of the top layer, `[T * B, H]` */
  losses(operations: Operations, parameters: Parameters, states: Matrix, inputs: ProgramInputs<Matrix, Ids>): Matrix;
  gradients(operations: Operations, parameters: Parameters, states: Matrix, inputs: ProgramInputs<Matrix, Ids>): HeadGradients;
  /** What `scores` is made of. @param states `[N, H]` */
  logits(operations: Operations, parameters: Parameters, states: Matrix): Record<string, Matrix>;
  /** `[N, V]`: log-probabilities but for a constant of each row, from what `logits` gave; of a squared error the outputs themselves. */
  scores(outputs: Readonly<Record<string, HostMatrix>>): FloatArray;
}
