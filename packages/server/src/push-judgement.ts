import { isTreeNode, type ErrorCode, type TreeNode } from '@bptt/core';
import type { Push, PushClaim } from './push.js';
import { countNode, nodeKey, nodeText, roundRank, type CommittedNode, type Lease } from './round.js';
import type { ExplosionLocation } from './run-event.js';
import type { RunState } from './run-state.js';

/** What becomes of a push. Only `COMMITTED` changes the run. */
export type Judgement =
  | { readonly verdict: 'COMMITTED'; readonly lease: Lease }
  | { readonly verdict: 'DUPLICATE' | 'STALE' | 'FENCED' }
  | { readonly verdict: 'mismatch'; readonly message: string }
  | { readonly verdict: 'refused'; readonly code: ErrorCode; readonly message: string };

/**
 * Judges what a push claims, before its payload is received: `proceed` where the payload is worth receiving. Refusals come first,
 * then whether the worker, the step and the lease are still those of the run.
 */
export function judgeClaim(state: RunState, claim: PushClaim): Judgement | { readonly verdict: 'proceed' } {
  const { round, settings } = state;
  if (claim.runId !== settings.runId) return refused('failed-precondition', `run id: this server runs ${settings.runId}, the push is of ${claim.runId}`);
  const leaves = claim.kind === 'train' ? settings.microshards : settings.evaluationLeaves;
  if (!isWholeNode(claim.node) || !isTreeNode(leaves, claim.node)) {
    return refused('invalid-argument', `node: ${nodeText(claim.node)} is not in the reduction tree over ${String(leaves)} microshards`);
  }
  if (state.workers.get(claim.workerId)?.generation !== claim.generation) return { verdict: 'FENCED' };
  if (round === undefined) return { verdict: 'STALE' };
  const rank = roundRank(claim.kind, claim.step);
  const current = roundRank(round.kind, round.step);
  if (rank < current) return { verdict: 'STALE' };
  if (rank > current) {
    return refused('failed-precondition', `step: the server is at ${round.kind} ${String(round.step)}, the push is of ${claim.kind} ${String(claim.step)}`);
  }
  const problem = findProblem(state, claim);
  if (problem !== undefined) return refused('invalid-argument', problem);
  if (round.committed.has(nodeKey(claim.node)) || leaseFor(state, claim) !== undefined) return { verdict: 'proceed' };
  return { verdict: 'FENCED' };
}

/** Judges a complete push. */
export function judgePush(state: RunState, push: Push): Judgement {
  const judgement = judgeClaim(state, push);
  if (judgement.verdict !== 'proceed') return judgement;
  const committed = state.round?.committed.get(nodeKey(push.node));
  if (committed !== undefined) return compare(committed, push);
  const lease = leaseFor(state, push);
  return lease === undefined ? { verdict: 'FENCED' } : { verdict: 'COMMITTED', lease };
}

function leaseFor(state: RunState, claim: PushClaim): Lease | undefined {
  const lease = state.round?.leases.get(claim.leaseId);
  return lease?.workerId === claim.workerId && nodeKey(lease.node) === nodeKey(claim.node) ? lease : undefined;
}

function compare(committed: CommittedNode, push: Push): Judgement {
  const differs = (['fingerprint', 'lossSum', 'tokens', 'sequences'] as const).find((key) => !Object.is(committed[key], push[key]));
  if (differs !== undefined) {
    return { verdict: 'mismatch', message: `node ${nodeText(push.node)}: ${differs} was committed as ${String(committed[differs])}, now ${String(push[differs])}` };
  }
  if ((committed.nonFinite === undefined) !== (push.nonFinite === undefined)) {
    return { verdict: 'mismatch', message: `node ${nodeText(push.node)}: committed ${flagText(committed)}, now ${flagText(push)}` };
  }
  return { verdict: 'DUPLICATE' };
}

function flagText({ nonFinite }: { readonly nonFinite: ExplosionLocation | undefined }): string {
  return nonFinite === undefined ? 'as finite' : 'as non-finite';
}

function findProblem(state: RunState, claim: PushClaim): string | undefined {
  const { round, settings } = state;
  if (round === undefined) return undefined;
  const expected = countNode(round, claim.node);
  for (const key of ['tokens', 'sequences'] as const) {
    if (claim[key] !== expected[key]) return `${key}: expected ${String(expected[key])} in ${nodeText(claim.node)}, got ${String(claim[key])}`;
  }
  if (claim.totalBytes !== claim.gradientBytes + claim.stateBytes) {
    return `total_bytes: expected ${String(claim.gradientBytes)} + ${String(claim.stateBytes)}, got ${String(claim.totalBytes)}`;
  }
  if (claim.kind === 'evaluate' || claim.nonFinite !== undefined) {
    if (claim.totalBytes !== 0) return `total_bytes: expected 0 for ${claim.kind === 'evaluate' ? 'an evaluation' : 'a non-finite result'}, got ${String(claim.totalBytes)}`;
  } else {
    const [least, most] = settings.gradientBytes;
    if (claim.gradientBytes < least || claim.gradientBytes > most || claim.gradientBytes % 4 !== 0) {
      return `gradient_bytes: expected a multiple of 4 from ${String(least)} to ${String(most)}, got ${String(claim.gradientBytes)}`;
    }
    if (claim.stateBytes !== expected.stateBytes) return `state_bytes: expected ${String(expected.stateBytes)}, got ${String(claim.stateBytes)}`;
  }
  if (claim.nonFinite === undefined && !Number.isFinite(claim.lossSum)) return `loss_sum: ${String(claim.lossSum)} needs the non-finite flag`;
  return undefined;
}

function isWholeNode({ begin, width }: TreeNode): boolean {
  return Number.isInteger(begin) && Number.isInteger(width) && begin >= 0 && width >= 1;
}

function refused(code: ErrorCode, message: string): Judgement {
  return { verdict: 'refused', code, message };
}
