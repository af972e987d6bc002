import { assert } from './errors.js';
import type { BatchCounts } from './objective.js';
import type { FloatArray } from './shape.js';

/** The id that stands for "no word here": as an input it reads a zero row, as a target it is ignored by the loss. */
export const NO_TOKEN = -1;

/**
 * A fixed share of a global batch: the unit of work whose gradient is a pure function of parameters, tokens and carried states.
 * How many microshards a batch has never depends on the number of workers.
 */
export interface Microshard {
  /** Position among the microshards of its batch: its leaf in the canonical reduction tree. */
  readonly index: number;
  /** Time steps, padding included. */
  readonly T: number;
  /** Sequences side by side, padding included. */
  readonly B: number;
  /** Word ids read, time-major `[T * B]`; `NO_TOKEN` where a sequence is padded. Of a dense input any other id stands for a vector. */
  readonly inputs: Int32Array;
  /** Vectors read by a model with dense input, `[T * B, D]`; zeros where a sequence is padded. */
  readonly features?: FloatArray | undefined;
  /**
   * What is to be predicted, time-major `[T * B]`: word ids, or for a last-step head the class (0 where `values` has the target) at the
   * last step of each sequence; `NO_TOKEN` where the loss ignores the position.
   */
  readonly targets: Int32Array;
  /** Targets of a squared error, `[B, outputs]`; zeros for a padded column. */
  readonly values?: FloatArray | undefined;
  /** Index of each sequence in the corpus (sentence or lane), `[B]`; `NO_TOKEN` for a padded column. */
  readonly sequences: Int32Array;
}

/** Positions of `microshard` that count in the loss. */
export function countTargets(microshard: Microshard): number {
  let count = 0;
  for (const target of microshard.targets) if (target !== NO_TOKEN) count += 1;
  return count;
}

/** Sequences of `microshard` that are not padding. */
export function countSequences(microshard: Microshard): number {
  let count = 0;
  for (const sequence of microshard.sequences) if (sequence !== NO_TOKEN) count += 1;
  return count;
}

/** Places at which a sequence reads on: it read something there and at the step before. */
function countTransitions(microshard: Microshard): number {
  let count = 0;
  forEachTransition(microshard, () => { count += 1; });
  return count;
}

/** Calls `visit` with the row of every position at which something is read, as at the step before. */
export function forEachTransition({ T, B, inputs }: Microshard, visit: (row: number) => void): void {
  for (let row = B; row < T * B; row += 1) if (inputs[row] !== NO_TOKEN && inputs[row - B] !== NO_TOKEN) visit(row);
}

/** What `microshard` has of each kind. */
export function countMicroshard(microshard: Microshard): BatchCounts {
  return { tokens: countTargets(microshard), transitions: countTransitions(microshard), sequences: countSequences(microshard) };
}

/** How many ids there are of each kind; word ids lie in `[-1, inputs)` and `[-1, targets)`. */
export interface IdLimits {
  readonly inputs: number;
  readonly targets: number;
}

/** Stops unless the arrays of `microshard` have the lengths that its `T` and `B` promise and its ids lie within `limits`. */
export function assertMicroshard(microshard: Microshard, limits: IdLimits): void {
  const { T, B, inputs, targets, sequences } = microshard;
  assert(inputs.length === T * B && targets.length === T * B && sequences.length === B,
    () => `microshard: inputs ${String(inputs.length)}, targets ${String(targets.length)}, sequences ${String(sequences.length)} do not fit T ${String(T)}, B ${String(B)}`);
  for (const kind of ['inputs', 'targets'] as const) {
    for (const id of microshard[kind]) assert(id >= NO_TOKEN && id < limits[kind], () => `microshard: word id ${String(id)} outside [-1, ${String(limits[kind])})`);
  }
}
