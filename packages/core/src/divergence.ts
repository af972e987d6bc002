import type { Clip } from './clip.js';
import { targetIds, type ModelConfig } from './model-config.js';
import type { OptimizerName } from './optimizers/optimizer-config.js';

/** Steps in a row with trouble after which a run is given up. */
export const DIVERGED_STEPS = 10;
/** A loss above this many times `ln V`, the loss of a model that knows nothing, is trouble. */
const DIVERGED_LOSS_FACTOR = 3;

/** Steps in a row, up to the last one, that give cause to worry; part of a checkpoint. */
export interface Divergence {
  readonly nonFinite: number;
  readonly highLoss: number;
}

/** No trouble so far. */
export const CONVERGING: Divergence = { nonFinite: 0, highLoss: 0 };

/** What became of a step. */
export interface StepFigures {
  /** Whether gradient or parameters left the finite numbers. */
  readonly exploded: boolean;
  /** Nats per token; NaN where there is none. */
  readonly trainLoss: number;
  readonly learningRate: number;
}

/** The loss, in nats per target, above which a model is worse than one that knows nothing by far; infinite for a squared error, which has no such scale. */
export function lossBound(model: Pick<ModelConfig, 'head' | 'vocabulary'>): number {
  return model.head.kind === 'lastSquaredError' ? Infinity : DIVERGED_LOSS_FACTOR * Math.log(targetIds(model));
}

/** Takes a step in. A step without a loss, such as one without targets, changes nothing. */
export function afterStep(state: Divergence, { exploded, trainLoss }: StepFigures, bound: number): Divergence {
  if (exploded) return { ...state, nonFinite: state.nonFinite + 1 };
  if (!Number.isFinite(trainLoss)) return state;
  return { nonFinite: 0, highLoss: trainLoss > bound ? state.highLoss + 1 : 0 };
}

/** What a run diverges in, and what advice depends on. */
export interface DivergenceSetting {
  /** `lossBound` of its model. */
  readonly lossBound: number;
  readonly optimizer: OptimizerName;
  readonly clip: Clip['kind'];
}

/** Why a run is to be given up, with advice; undefined where it is not. */
export function divergenceReason({ nonFinite, highLoss }: Divergence, figures: StepFigures, setting: DivergenceSetting): string | undefined {
  const { trainLoss } = figures;
  const { lossBound: bound } = setting;
  const advice = adviceFor(figures, setting);
  if (nonFinite >= DIVERGED_STEPS) return `diverged: the gradient was not finite in ${String(nonFinite)} steps in a row; ${advice}`;
  if (highLoss >= DIVERGED_STEPS) {
    return `diverged: the loss was above ${bound.toFixed(2)} nats per token in ${String(highLoss)} steps in a row, ${trainLoss.toFixed(2)} in the last, where one that knows nothing has ${(bound / DIVERGED_LOSS_FACTOR).toFixed(2)}; ${advice}`;
  }
  return undefined;
}

/** What may help and is not so already. */
function adviceFor({ learningRate }: StepFigures, { optimizer, clip }: DivergenceSetting): string {
  const lower = `lower --lr (it was ${String(learningRate)})`;
  return [
    clip === 'none' ? [lower, 'set --clip'] : [`${lower} or ${clip === 'value' ? '--clip-value' : '--clip'}`],
    optimizer === 'adam' || optimizer === 'adamw' ? [] : ['choose --optimizer adam'],
  ].flat().join(', or ');
}
