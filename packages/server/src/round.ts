import type { TreeNode } from '@bptt/core';
import type { ExplosionLocation } from './run-event.js';

/** `train`: gradients of a batch. `evaluate`: losses of the evaluation microshards. */
export type RoundKind = 'train' | 'evaluate';

/** What the server knows beforehand of a leaf that has something to compute. */
export interface LeafCounts {
  /** Targets. */
  readonly tokens: number;
  readonly sequences: number;
  /** Bytes of its final states in a push; 0 where no state is carried. */
  readonly stateBytes: number;
}

/** The right of one worker to compute one node, until a time of the server's clock. */
export interface Lease {
  readonly id: number;
  readonly workerId: string;
  readonly node: TreeNode;
  readonly grantedMs: number;
  readonly expiresMs: number;
}

/** A node whose result is in. */
export interface CommittedNode {
  readonly node: TreeNode;
  /** Names the payload in the update thread. */
  readonly pushId: number;
  /** Of the payload. */
  readonly fingerprint: string;
  /** Nats. */
  readonly lossSum: number;
  readonly tokens: number;
  readonly sequences: number;
  readonly nonFinite: ExplosionLocation | undefined;
}

/** One pass of all leaves of a tree: a batch, or an evaluation. Leases and committed nodes never overlap. */
export interface Round {
  readonly kind: RoundKind;
  /** Steps done before it. */
  readonly step: number;
  /** Of the parameters that it reads. */
  readonly parametersVersion: number;
  /** One entry a leaf; undefined where the leaf is empty, hence complete without a lease. */
  readonly leaves: readonly (LeafCounts | undefined)[];
  /** By `nodeKey`. */
  readonly committed: ReadonlyMap<string, CommittedNode>;
  /** By lease id. */
  readonly leases: ReadonlyMap<number, Lease>;
}

/** Names a node within its tree. */
export function nodeKey(node: TreeNode): string {
  return `${String(node.begin)}+${String(node.width)}`;
}

/** `[begin, end)`, as messages show a node. */
export function nodeText(node: TreeNode): string {
  return `[${String(node.begin)}, ${String(node.begin + node.width)})`;
}

/** A round of which nothing is done. */
export function openRound(given: Pick<Round, 'kind' | 'step' | 'parametersVersion' | 'leaves'>): Round {
  return { ...given, committed: new Map(), leases: new Map() };
}

/** The leaves of `node` that are not empty, added up. */
export function countNode(round: Round, node: TreeNode): LeafCounts & { readonly leaves: number } {
  const sum = { leaves: 0, tokens: 0, sequences: 0, stateBytes: 0 };
  for (const leaf of round.leaves.slice(node.begin, node.begin + node.width)) {
    if (leaf === undefined) continue;
    sum.leaves += 1;
    sum.tokens += leaf.tokens;
    sum.sequences += leaf.sequences;
    sum.stateBytes += leaf.stateBytes;
  }
  return sum;
}

/** Leaves that are neither empty nor committed. */
export function remainingLeaves(round: Round): number {
  let remaining = countNode(round, rootOf(round)).leaves;
  for (const { node } of round.committed.values()) remaining -= countNode(round, node).leaves;
  return remaining;
}

/** The node of all leaves. */
export function rootOf(round: Round): TreeNode {
  return { begin: 0, width: round.leaves.length };
}

/** Position of a round in the order of a run: an evaluation of a version comes before the step that starts from it. */
export function roundRank(kind: RoundKind, step: number): number {
  return 2 * step + (kind === 'train' ? 1 : 0);
}
