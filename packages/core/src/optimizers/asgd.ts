import { plainArithmetic, type Arithmetic } from '../arithmetic.js';

/**
 * What non-monotonically triggered averaging remembers of the validations so far (NT-ASGD: Merity, Keskar and Socher 2018, Algorithm 1); part of
 * a checkpoint. A loss that is not finite is null and counts as the worst.
 */
export interface AveragingTrigger {
  /** The last losses, at most `nonmono`, oldest first. */
  readonly recent: readonly (number | null)[];
  /** Lowest of those before them; null where there is none. */
  readonly olderBest: number | null;
}

/** Before any validation. */
export const UNTRIGGERED: AveragingTrigger = { recent: [], olderBest: null };

/**
 * Takes a validation loss in. `fires`: it is above the lowest loss of all validations but the last `nonmono`, so that averaging begins.
 * @param nonmono how many validations a loss may fail to improve
 */
export function afterLoss({ recent, olderBest }: AveragingTrigger, loss: number, nonmono: number): { readonly trigger: AveragingTrigger; readonly fires: boolean } {
  const known = Number.isFinite(loss) ? loss : null;
  const fires = olderBest !== null && (known === null || known > olderBest);
  const losses = [...recent, known];
  const leaving = losses.length > nonmono ? losses[0] : null;
  const best = leaving === null ? olderBest : Math.min(leaving, olderBest ?? Infinity);
  return { trigger: { recent: losses.slice(-nonmono), olderBest: best }, fires };
}

/**
 * Takes an iterate into a running mean, in place: `a <- a + (p - a) / (n + 1)` where `n` iterates are in it already.
 * With the trigger at update t0 that is `mu_t = 1 / max(1, t - t0)` (Polyak and Juditsky 1992, as PyTorch's ASGD has it).
 */
export function averageIterate(average: Float32Array, parameters: Float32Array, iterates: number, arithmetic: Arithmetic = plainArithmetic): void {
  if (iterates === 0) average.set(parameters);
  else arithmetic.average(average, parameters, iterates + 1);
}
