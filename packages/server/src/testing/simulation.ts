import { reduceTree, type TreeNode } from '@bptt/core';
import { expect } from 'vitest';
import { advance } from '../advance.js';
import { sumLosses } from '../progress.js';
import type { Push } from '../push.js';
import { TreeReduction } from '../reduction.js';
import { countNode, type Lease, type LeafCounts, type Round } from '../round.js';
import { FIRST_CURSOR, initialState, type Effect, type RunInput, type RunSettings, type RunState } from '../run-state.js';

/** Two steps of eight microshards, and a validation of three at the end. */
export const SETTINGS: RunSettings = {
  runId: 'run', microshards: 8, evaluationLeaves: 3, stepsTotal: 2, stepsPerEpoch: 10, validEvery: 0, checkpointEvery: 0,
  learningRatePlan: { learningRate: 1, schedule: { kind: 'plateau', factor: 2 }, warmup: 0 }, nonmono: undefined, patience: 0, lossBound: Infinity, optimizer: 'sgd', clip: 'norm', gradientBytes: [4, 4], leaseFloorMs: 1000, workerTimeoutMs: 5000, generationFirst: 100,
};

/** Runs the state machine as a server would, with work that is done at once: rounds open, updates and checkpoints succeed. */
export class Simulation {
  state: RunState;
  readonly effects: Effect[] = [];
  readonly sums: { step: number; kind: string; gradient: number | undefined; loss: number }[] = [];
  readonly settings: RunSettings;
  readonly emptyLeaves: ReadonlySet<number>;
  nowMs = 0;
  /** Whether steps explode. */
  explodes = false;
  /** Loss of a microshard of a validation. */
  evaluationLoss: (leaf: number) => number = lossOf;
  #pushes = 0;
  #reduction = new TreeReduction<number>(1, () => false, add);

  constructor(settings: RunSettings, emptyLeaves: ReadonlySet<number> = new Set()) {
    this.settings = settings;
    this.emptyLeaves = emptyLeaves;
    this.state = initialState(settings, FIRST_CURSOR, -1);
    this.give({ type: 'start' });
  }

  give(input: RunInput): readonly Effect[] {
    const [state, effects] = advance(this.state, input);
    this.state = state;
    this.effects.push(...effects);
    for (const effect of effects) this.#follow(effect);
    return effects;
  }

  join(threads = 1): string {
    this.give({ type: 'join', nowMs: this.nowMs, name: 'test', executes: 'nothing', threads });
    return `w${String(this.state.workersJoined)}`;
  }

  ready(workerId: string): Lease | undefined {
    this.give({ type: 'ready', nowMs: this.nowMs, workerId });
    return this.leaseOf(workerId);
  }

  leaseOf(workerId: string): Lease | undefined {
    return [...(this.state.round?.leases.values() ?? [])].find((lease) => lease.workerId === workerId);
  }

  /** The push that an honest worker makes of a lease of the round under way. */
  pushOf(lease: Lease, round: Round): Push {
    this.#pushes += 1;
    const { tokens, sequences } = countNode(round, lease.node);
    const lossSum = sumBelow(round, lease.node, round.kind === 'train' ? lossOf : this.evaluationLoss) ?? NaN;
    const generation = this.settings.generationFirst + Number(lease.workerId.slice(1));
    const gradientBytes = round.kind === 'train' ? 4 : 0;
    return {
      runId: 'run', workerId: lease.workerId, generation, leaseId: lease.id, kind: round.kind, step: round.step, node: lease.node,
      totalBytes: gradientBytes, gradientBytes, stateBytes: 0, lossSum, tokens, sequences, nonFinite: undefined,
      pushId: this.#pushes, fingerprint: `${round.kind}${String(lease.node.begin)}+${String(lease.node.width)}`,
    };
  }

  push(push: Push): string {
    const effects = this.give({ type: 'push', nowMs: this.nowMs, push });
    const reply = effects.find((effect) => effect.type === 'answer' || effect.type === 'refuse');
    return reply?.type === 'answer' ? reply.outcome : reply?.type === 'refuse' ? reply.code : 'none';
  }

  #follow(effect: Effect): void {
    if (effect.type === 'open-round') {
      const width = effect.kind === 'train' ? this.settings.microshards : this.settings.evaluationLeaves;
      const leaves = Array.from({ length: width }, (_, i): LeafCounts | undefined => (this.emptyLeaves.has(i) ? undefined : { tokens: 10 + i, sequences: 1, stateBytes: 0 }));
      this.#reduction = new TreeReduction(width, (leaf) => leaves[leaf] === undefined, add);
      this.give({ type: 'round-opened', nowMs: this.nowMs, kind: effect.kind, leaves, parametersVersion: 1 });
    } else if (effect.type === 'answer' && effect.outcome === 'COMMITTED') {
      const { kind, node } = effect.push;
      const isEmpty = (leaf: number): boolean => this.emptyLeaves.has(leaf);
      this.#reduction.put(node, reduceTree(node, (leaf) => (isEmpty(leaf) ? undefined : gradientOf(leaf)), add) ?? NaN);
      if (kind === 'evaluate') this.sums.push({ step: effect.push.step, kind, gradient: this.#reduction.root(), loss: NaN });
    } else if (effect.type === 'update') {
      this.sums.push({ step: effect.round.step, kind: 'train', gradient: this.#reduction.root(), loss: sumLosses(effect.round) });
      this.give({ type: 'updated', descended: true, exploded: this.explodes, trainLoss: sumLosses(effect.round), learningRate: 1 });
    } else if (effect.type === 'keep-best' || effect.type === 'restore-best') {
      this.give({ type: 'validation-settled' });
    } else if (effect.type === 'checkpoint') {
      this.give({ type: 'checkpointed' });
    }
  }
}

/** A float32 sum. */
export function add(left: number, right: number): number {
  return Math.fround(left + right);
}

/** Values whose float32 sum depends on the order of addition. */
export function gradientOf(leaf: number): number {
  return Math.fround(Math.sin(leaf * 12.9898 + 1) * (leaf % 3 === 0 ? 1e6 : 1e-2));
}

/** Losses whose sum depends on the order of addition. */
export function lossOf(leaf: number): number {
  return Math.sin(leaf + 1) * (leaf % 2 === 0 ? 1e9 : 1e-7);
}

function sumBelow(round: Round, node: TreeNode, value: (leaf: number) => number): number | undefined {
  return reduceTree(node, (leaf) => (round.leaves[leaf] === undefined ? undefined : value(leaf)), (left, right) => left + right);
}

/** The round under way. */
export function roundOf(simulation: Simulation): Round {
  const { round } = simulation.state;
  if (round === undefined) throw new Error('no round is open');
  return round;
}

/** Lets `workerId` work until nothing is left. */
export function workToTheEnd(simulation: Simulation, workerId: string): void {
  for (let i = 0; i < 1000 && simulation.state.phase !== 'ended'; i += 1) {
    const lease = simulation.ready(workerId);
    if (lease !== undefined) expect(simulation.push(simulation.pushOf(lease, roundOf(simulation)))).toBe('COMMITTED');
  }
}
