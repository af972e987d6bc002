import { afterLoss, UNTRIGGERED, type AveragingTrigger } from './optimizers/asgd.js';

/** What a run remembers of its due validations; part of a checkpoint. */
export interface ValidationState {
  /** Lowest loss so far, nats per token; null before the first finite one. */
  readonly bestLoss: number | null;
  /** Validations since the one with the lowest loss. */
  readonly sinceBest: number;
  /** Validations that did not improve. */
  readonly plateaus: number;
  readonly trigger: AveragingTrigger;
}

/** Before any validation. */
export const UNVALIDATED: ValidationState = { bestLoss: null, sinceBest: 0, plateaus: 0, trigger: UNTRIGGERED };

/** What follows from a validation. */
export interface ValidationVerdict {
  readonly state: ValidationState;
  /** The loss is the lowest so far. */
  readonly improved: boolean;
  /** Iterates are to be averaged from now on, where the optimiser is one that averages. */
  readonly fires: boolean;
}

/**
 * Takes a due validation in.
 * @param validLoss nats per token; one that is not finite counts as no improvement
 * @param nonmono of NT-ASGD; undefined for other optimisers
 */
export function afterValidation(state: ValidationState, validLoss: number, nonmono: number | undefined): ValidationVerdict {
  const improved = Number.isFinite(validLoss) && (state.bestLoss === null || validLoss < state.bestLoss);
  const { trigger, fires } = nonmono === undefined ? { trigger: UNTRIGGERED, fires: false } : afterLoss(state.trigger, validLoss, nonmono);
  const next = improved ? { ...state, bestLoss: validLoss, sinceBest: 0 } : { ...state, sinceBest: state.sinceBest + 1, plateaus: state.plateaus + 1 };
  return { state: { ...next, trigger }, improved, fires };
}
