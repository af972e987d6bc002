import { childrenOf, type TreeNode } from '@bptt/core';
import { countNode, remainingLeaves, rootOf, type Lease, type Round } from './round.js';

/** Most leaves of one lease, so that its message stays small. */
export const LEASE_LEAVES_MAX = 64;
/** A lease lasts this many times as long as its leaves took so far. */
export const LEASE_PATIENCE = 3;
/** Longest time that a lease lasts. */
export const LEASE_MS_MAX = 15 * 60_000;
/** How often the time of leases doubles at most while no push comes in. */
export const LEASE_DOUBLINGS_MAX = 6;
/** How many of the last pushes the median time of a leaf is taken from. */
export const LEAF_SAMPLES_MAX = 64;

/** How many leaves a worker may get at once: its share, by threads, of those that are not committed yet, and never less than one. */
export function leaseLimit(round: Round, threads: number, threadsTotal: number): number {
  const share = Math.ceil((remainingLeaves(round) * threads) / Math.max(threads, threadsTotal));
  return Math.min(LEASE_LEAVES_MAX, Math.max(1, share));
}

/**
 * The node to lease next: the one with the most leaves to compute, at most `limit`, of which no leaf is leased or committed. The
 * first of several. Undefined where nothing is free.
 */
export function chooseNode(round: Round, limit: number): TreeNode | undefined {
  const taken = takenLeaves(round);
  let best: TreeNode | undefined;
  let bestLeaves = 0;
  visit(rootOf(round));
  return best;

  function visit(node: TreeNode): void {
    const { leaves } = countNode(round, node);
    if (leaves <= bestLeaves) return;
    if (leaves <= limit && !overlaps(node)) {
      best = node;
      bestLeaves = leaves;
      return;
    }
    childrenOf(node)?.forEach(visit);
  }

  function overlaps(node: TreeNode): boolean {
    return taken.subarray(node.begin, node.begin + node.width).includes(1);
  }
}

/** How long a lease of `leaves` leaves lasts. `samples`: times of a leaf so far; `expiries`: leases that ran out since the last push. */
export function leaseDurationMs(leaves: number, floorMs: number, samples: readonly number[], expiries: number): number {
  const estimate = LEASE_PATIENCE * median(samples) * leaves;
  let duration = Math.max(floorMs, estimate);
  for (let i = 0; i < Math.min(expiries, LEASE_DOUBLINGS_MAX); i += 1) duration *= 2;
  return Math.min(LEASE_MS_MAX, duration);
}

/** The round with `lease` granted. */
export function grantLease(round: Round, lease: Lease): Round {
  return { ...round, leases: new Map(round.leases).set(lease.id, lease) };
}

/** The round without the leases `ids`: their nodes are free again. */
export function dropLeases(round: Round, ids: readonly number[]): Round {
  const leases = new Map(round.leases);
  for (const id of ids) leases.delete(id);
  return { ...round, leases };
}

/** Leases of `worker`, oldest first. */
export function leasesOf(round: Round | undefined, workerId: string): Lease[] {
  return [...(round?.leases.values() ?? [])].filter((lease) => lease.workerId === workerId);
}

function takenLeaves(round: Round): Uint8Array {
  const taken = new Uint8Array(round.leaves.length);
  for (const { node } of [...round.leases.values(), ...round.committed.values()]) taken.fill(1, node.begin, node.begin + node.width);
  return taken;
}

function median(samples: readonly number[]): number {
  if (samples.length === 0) return 0;
  return [...samples].sort((a, b) => a - b)[samples.length >> 1];
}
