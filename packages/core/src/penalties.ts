import type { Ids, Matrix, Operations, ProgramInputs } from './backend.js';
import { assert } from './errors.js';
import type { Forward } from './forward.js';
import { forEachTransition, NO_TOKEN, type Microshard } from './microshard.js';
import { topUnits, type ModelConfig } from './model-config.js';
import type { BatchCounts, Objective } from './objective.js';
import { reductionDivisor } from './reduction.js';
import type { LayerGradient } from './sequence.js';
import type { HostMatrix } from './shape.js';

/**
 * Penalties on activations are means of their own: over the targets (AR) or over the transitions (TAR, Omega) of the whole batch. The server divides
 * the sum of all gradients by one divisor `d`, that of the loss; so a term `w/n sum_i p_i` comes into a microshard's gradient with the
 * factor `w d / n`.
 */
export function penaltyInputs(model: ModelConfig, objective: Objective, microshard: Microshard, counts: BatchCounts): ProgramInputs<HostMatrix, Int32Array> {
  const { ar, tar, omega } = objective;
  const units = topUnits(model);
  const d = reductionDivisor(objective.reduction, counts);
  const share = (weight: number, n: number): HostMatrix => ({ rows: 1, columns: 1, values: Float32Array.of(penaltyFactor(weight, n, d)) });
  const matrices: Record<string, HostMatrix> = {};
  const ids: Record<string, Int32Array> = {};
  if (ar > 0) {
    // d(s^2)/ds = 2 s
    matrices[AR] = share(2 * ar, counts.tokens * units);
    ids[PREDICTED] = microshard.targets.map((target, row) => (target === NO_TOKEN ? NO_TOKEN : row));
  }
  if (tar > 0) matrices[TAR] = share(2 * tar, counts.transitions * units);
  if (omega > 0) matrices[OMEGA] = share(omega, counts.transitions);
  if (tar > 0 || omega > 0) Object.assign(ids, transitionIds(microshard));
  return { matrices, ids };
}

/** `w d / n` in float32; 0 where there is nothing to take a mean of. */
export function penaltyFactor(weight: number, n: number, divisor: number): number {
  return n === 0 ? 0 : Math.fround((weight * divisor) / n);
}

const AR = 'penalty.ar';
const TAR = 'penalty.tar';
const OMEGA = 'penalty.omega';
/** Every row that has a target, in its place. */
const PREDICTED = 'predicted';
/** Every row that a transition leads to, in its place, and the row that it comes from. */
const ARRIVALS = 'arrivals';
const DEPARTURES = 'departures';

type Inputs = ProgramInputs<Matrix, Ids>;

/**
 * The gradient of the top layer's states from that of what the head read, with the mask of dropout, AR and TAR (Merity, McCann and Socher
 * 2017): `ar mean(h^2)` of the dropped states and `tar mean((s_t - s_{t-1})^2)` of the raw ones.
 */
export function topGradient(
  operations: Operations, { ar, tar }: Objective, forward: Forward, dRead: Matrix, { inputs, mask }: { readonly inputs: Inputs; readonly mask: Matrix | undefined },
): Matrix {
  const { matrices, ids } = inputs;
  let dTop = dRead;
  if (ar > 0) dTop = operations.add(dTop, operations.scale(operations.gatherRows(forward.states, ids[PREDICTED]), matrices[AR]));
  if (mask !== undefined) dTop = operations.multiply(dTop, mask);
  if (tar > 0) {
    const { top } = forward;
    const change = operations.subtract(operations.gatherRows(top, ids[ARRIVALS]), operations.gatherRows(top, ids[DEPARTURES]));
    const dChange = operations.scale(change, matrices[TAR]);
    dTop = operations.subtract(operations.add(dTop, dChange), operations.scatterAddRows(dChange, ids[DEPARTURES]));
  }
  return dTop;
}

/** Pascanu's Omega of one layer: its gradient by `W_hh` alone, states and errors held fast (2013, section 3.3). */
export function omegaGradient(operations: Operations, { flow, dProjected }: LayerGradient, { matrices, ids }: Inputs): Matrix {
  assert(flow !== undefined, () => 'omegaGradient: expected the errors of every state');
  const arriving = (a: Matrix): Matrix => operations.gatherRows(a, ids[ARRIVALS]);
  const u = arriving(flow.dPrevious);
  const { scaled } = operations.jacobianPenalty(arriving(flow.dStates), arriving(dProjected), u);
  return operations.matMul(operations.scale(scaled, matrices[OMEGA]), u, { transposeA: true });
}

function transitionIds(microshard: Microshard): Record<string, Int32Array> {
  const { T, B } = microshard;
  const arrivals = new Int32Array(T * B).fill(NO_TOKEN);
  forEachTransition(microshard, (row) => { arrivals[row] = row; });
  return { [ARRIVALS]: arrivals, [DEPARTURES]: arrivals.map((row) => (row === NO_TOKEN ? NO_TOKEN : row - B)) };
}
