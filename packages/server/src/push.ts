import type { TreeNode } from '@bptt/core';
import type { RoundKind } from './round.js';
import type { ExplosionLocation } from './run-event.js';

/** What a push says of itself before its payload comes. */
export interface PushClaim {
  readonly runId: string;
  readonly workerId: string;
  readonly generation: number;
  readonly leaseId: number;
  readonly kind: RoundKind;
  readonly step: number;
  readonly node: TreeNode;
  readonly totalBytes: number;
  readonly gradientBytes: number;
  readonly stateBytes: number;
  readonly lossSum: number;
  readonly tokens: number;
  readonly sequences: number;
  readonly nonFinite: ExplosionLocation | undefined;
}

/** A push that is there whole, its payload checked against its hash. */
export interface Push extends PushClaim {
  /** Names the payload in the update thread. */
  readonly pushId: number;
  /** Of the payload; empty for one without bytes. */
  readonly fingerprint: string;
}

export type PushOutcomeName = 'COMMITTED' | 'DUPLICATE' | 'STALE' | 'FENCED';
