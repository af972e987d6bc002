import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reduceTree, type TreeNode } from '@bptt/core';
import { advance, LEASE_FAILURES_MAX } from './advance.js';
import { sumLosses } from './progress.js';
import type { Push } from './push-judgement.js';
import { TreeReduction } from './reduction.js';
import { countNode, rootOf, type Lease, type LeafCounts, type Round } from './round.js';
import { firstCursor, initialState, type Effect, type RunInput, type RunSettings, type RunState } from './run-state.js';

const SETTINGS: RunSettings = {
  runId: 'run', microshards: 8, evaluationLeaves: 3, stepsTotal: 2, stepsPerEpoch: 10, validEvery: 0, checkpointEvery: 0,
  schedule: 'halve-on-plateau', gradientBytes: [4, 4], leaseFloorMs: 1000, workerTimeoutMs: 5000, generationFirst: 100,
};

/** Runs the state machine as a server would, with work that is done at once: rounds open, updates and checkpoints succeed. */
class Simulation {
  state: RunState;
  readonly effects: Effect[] = [];
  readonly sums: { step: number; kind: string; gradient: number | undefined; loss: number }[] = [];
  readonly settings: RunSettings;
  readonly emptyLeaves: ReadonlySet<number>;
  nowMs = 0;
  #pushes = 0;
  #reduction = new TreeReduction<number>(1, () => false, add);

  constructor(settings: RunSettings, emptyLeaves: ReadonlySet<number> = new Set()) {
    this.settings = settings;
    this.emptyLeaves = emptyLeaves;
    this.state = initialState(settings, firstCursor(1), -1);
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
    this.give({ type: 'join', nowMs: this.nowMs, name: 'test', threads });
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
    const lossSum = sumBelow(round, lease.node, lossOf) ?? NaN;
    const generation = this.settings.generationFirst + Number(lease.workerId.slice(1));
    const gradientBytes = round.kind === 'train' ? 4 : 0;
    return {
      runId: 'run', workerId: lease.workerId, generation, leaseId: lease.id, kind: round.kind, step: round.step, node: lease.node,
      totalBytes: gradientBytes, gradientBytes, stateBytes: 0, lossSum, tokens, sequences, nonFinite: undefined,
      pushId: this.#pushes, sha256: `${round.kind}${String(lease.node.begin)}+${String(lease.node.width)}`,
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
      this.give({ type: 'round-opened', nowMs: this.nowMs, kind: effect.kind, leaves });
    } else if (effect.type === 'answer' && effect.outcome === 'COMMITTED') {
      const { kind, node } = effect.push;
      const isEmpty = (leaf: number): boolean => this.emptyLeaves.has(leaf);
      this.#reduction.put(node, reduceTree(node, (leaf) => (isEmpty(leaf) ? undefined : gradientOf(leaf)), add) ?? NaN);
      if (kind === 'evaluate') this.sums.push({ step: effect.push.step, kind, gradient: this.#reduction.root(), loss: NaN });
    } else if (effect.type === 'update') {
      this.sums.push({ step: effect.round.step, kind: 'train', gradient: this.#reduction.root(), loss: sumLosses(effect.round) });
      this.give({ type: 'updated' });
    } else if (effect.type === 'checkpoint') {
      this.give({ type: 'checkpointed' });
    }
  }
}

function add(left: number, right: number): number {
  return Math.fround(left + right);
}

// Values whose float32 sum depends on the order of addition.
function gradientOf(leaf: number): number {
  return Math.fround(Math.sin(leaf * 12.9898 + 1) * (leaf % 3 === 0 ? 1e6 : 1e-2));
}

function lossOf(leaf: number): number {
  return Math.sin(leaf + 1) * (leaf % 2 === 0 ? 1e9 : 1e-7);
}

function sumBelow(round: Round, node: TreeNode, value: (leaf: number) => number): number | undefined {
  return reduceTree(node, (leaf) => (round.leaves[leaf] === undefined ? undefined : value(leaf)), (left, right) => left + right);
}

function roundOf(simulation: Simulation): Round {
  const { round } = simulation.state;
  if (round === undefined) throw new Error('no round is open');
  return round;
}

/** Lets `workerId` work until nothing is left. */
function workToTheEnd(simulation: Simulation, workerId: string): void {
  for (let i = 0; i < 1000 && simulation.state.phase !== 'ended'; i += 1) {
    const lease = simulation.ready(workerId);
    if (lease !== undefined) expect(simulation.push(simulation.pushOf(lease, roundOf(simulation)))).toBe('COMMITTED');
  }
}

describe('the run state machine', () => {
  it('goes through all steps, validates at the end, writes a checkpoint and finishes', () => {
    const simulation = new Simulation(SETTINGS);
    workToTheEnd(simulation, simulation.join());
    const story = simulation.effects.map(({ type }) => type).filter((type) => !['admitted', 'grant', 'answer'].includes(type));
    expect(story).toEqual(['open-round', 'update', 'advanced', 'open-round', 'update', 'advanced', 'open-round', 'validated', 'checkpoint', 'ended']);
    expect(simulation.state.ending?.outcome).toBe('finished');
  });

  it('validates when it is due and then writes a checkpoint that knows of it', () => {
    const simulation = new Simulation({ ...SETTINGS, validEvery: 1, checkpointEvery: 1 });
    workToTheEnd(simulation, simulation.join());
    const story = simulation.effects.map(({ type }) => type).filter((type) => ['update', 'validated', 'checkpoint', 'ended'].includes(type));
    expect(story).toEqual(['update', 'validated', 'checkpoint', 'update', 'validated', 'checkpoint', 'ended']);
    expect(simulation.state.scheduledStep).toBe(2);
    // The second validation brought the same loss, which is no improvement.
    expect(simulation.state.schedule.learningRate).toBe(0.5);
  });

  it('keeps the schedule from a validation that only the end of the run asked for', () => {
    const simulation = new Simulation({ ...SETTINGS, stepsTotal: 1, validEvery: 5 });
    workToTheEnd(simulation, simulation.join());
    expect(simulation.effects.some(({ type }) => type === 'validated')).toBe(true);
    expect(simulation.state).toMatchObject({ scheduledStep: -1, schedule: { bestLoss: null } });
  });

  it('gives two equal workers half of the tree each, and one worker all of it', () => {
    const one = new Simulation(SETTINGS);
    expect(one.ready(one.join())?.node).toEqual({ begin: 0, width: 8 });
    const two = new Simulation(SETTINGS);
    const [a, b] = [two.join(), two.join()];
    expect(two.ready(a)?.node).toEqual({ begin: 0, width: 4 });
    expect(two.ready(b)?.node).toEqual({ begin: 4, width: 4 });
  });

  it('lets a late worker wait while all work is leased, and serves it when a worker is lost', () => {
    const simulation = new Simulation(SETTINGS);
    const first = simulation.join();
    simulation.ready(first);
    const late = simulation.join();
    expect(simulation.ready(late)).toBeUndefined();
    simulation.give({ type: 'lost', nowMs: 1, workerId: first, reason: 'disconnected' });
    expect(simulation.leaseOf(late)?.node).toEqual({ begin: 0, width: 8 });
    expect(simulation.state.leasesExpired).toBe(1);
  });

  it('does not count a lease of a worker that leaves as expired', () => {
    const simulation = new Simulation(SETTINGS);
    const worker = simulation.join();
    simulation.ready(worker);
    simulation.give({ type: 'lost', nowMs: 1, workerId: worker, reason: 'left' });
    expect(simulation.state.leasesExpired).toBe(0);
    expect(roundOf(simulation).leases.size).toBe(0);
  });

  it('splits the node of an expired lease among thieves, and fences the old worker', () => {
    const simulation = new Simulation(SETTINGS);
    const slow = simulation.join();
    const late = simulation.ready(slow);
    if (late === undefined) throw new Error('no lease');
    const push = simulation.pushOf(late, roundOf(simulation));
    const thief = simulation.join();
    simulation.ready(thief);
    simulation.nowMs = 1000;
    simulation.give({ type: 'heard', nowMs: 1000, workerId: slow });
    const effects = simulation.give({ type: 'tick', nowMs: 1000 });
    expect(effects.map(({ type }) => type)).toEqual(['expired', 'revoke', 'grant']);
    expect(simulation.leaseOf(thief)?.node).toEqual({ begin: 0, width: 4 });
    expect(simulation.push(push)).toBe('FENCED');
  });

  it('makes leases longer while they expire and no push comes in', () => {
    const simulation = new Simulation(SETTINGS);
    const worker = simulation.join();
    const first = simulation.ready(worker);
    simulation.nowMs = 1000;
    simulation.give({ type: 'tick', nowMs: 1000 });
    const second = simulation.ready(worker);
    expect((first?.expiresMs ?? 0) - (first?.grantedMs ?? 0)).toBe(1000);
    expect((second?.expiresMs ?? 0) - (second?.grantedMs ?? 0)).toBe(2000);
  });

  it('gives a silent worker up', () => {
    const simulation = new Simulation(SETTINGS);
    simulation.join();
    const effects = simulation.give({ type: 'tick', nowMs: 5000 });
    expect(effects).toMatchObject([{ type: 'worker-lost', reason: 'silent' }]);
    expect(simulation.state.workers.size).toBe(0);
  });

  it('answers a repeated push as a duplicate, and raises the alarm when its bits differ', () => {
    const simulation = new Simulation(SETTINGS);
    const [a] = [simulation.join(), simulation.join()];
    const lease = simulation.ready(a);
    if (lease === undefined) throw new Error('no lease');
    const push = simulation.pushOf(lease, roundOf(simulation));
    expect(simulation.push(push)).toBe('COMMITTED');
    expect(simulation.push(push)).toBe('DUPLICATE');
    for (const change of [{ sha256: 'other' }, { lossSum: 1 }, { nonFinite: { microshard: 0, sequence: 0, timeStep: 0, layer: 0, phase: 'forward' }, totalBytes: 0, gradientBytes: 0 }]) {
      expect(simulation.push({ ...push, ...change })).toBe('data-loss');
    }
  });

  it.each([
    ['another run', { runId: 'other' }, 'failed-precondition'],
    ['a node that is not in the tree', { node: { begin: 1, width: 2 } }, 'invalid-argument'],
    ['a node beyond the tree', { node: { begin: 8, width: 1 } }, 'invalid-argument'],
    ['a later step', { step: 1 }, 'failed-precondition'],
    ['an unknown worker', { workerId: 'w9' }, 'FENCED'],
    ['another generation', { generation: 7 }, 'FENCED'],
    ['another lease', { leaseId: 99 }, 'FENCED'],
    ['a part of the leased node', { node: { begin: 0, width: 4 }, tokens: 46, sequences: 4 }, 'FENCED'],
    ['an evaluation of this version, which comes before', { kind: 'evaluate', node: { begin: 0, width: 2 } }, 'STALE'],
    ['other counts', { tokens: 1 }, 'invalid-argument'],
    ['bytes that do not add up', { totalBytes: 8 }, 'invalid-argument'],
    ['a gradient of another size', { totalBytes: 8, gradientBytes: 8 }, 'invalid-argument'],
    ['states where none are carried', { totalBytes: 8, stateBytes: 4 }, 'invalid-argument'],
    ['a loss that is not finite', { lossSum: NaN }, 'invalid-argument'],
    ['a flag with a payload', { nonFinite: { microshard: 0, sequence: 0, timeStep: 0, layer: 0, phase: 'forward' } }, 'invalid-argument'],
  ] as const)('does not take a push of %s', (_what, change, outcome) => {
    const simulation = new Simulation(SETTINGS);
    const lease = simulation.ready(simulation.join());
    if (lease === undefined) throw new Error('no lease');
    const before = simulation.state.round;
    expect(simulation.push({ ...simulation.pushOf(lease, roundOf(simulation)), ...change })).toBe(outcome);
    expect(simulation.state.round).toEqual(before);
  });

  it('takes a flagged explosion without payload, whatever its loss', () => {
    const simulation = new Simulation(SETTINGS);
    const lease = simulation.ready(simulation.join());
    if (lease === undefined) throw new Error('no lease');
    const nonFinite = { microshard: 3, sequence: 1, timeStep: 2, layer: 0, phase: 'forward' };
    expect(simulation.push({ ...simulation.pushOf(lease, roundOf(simulation)), nonFinite, lossSum: NaN, totalBytes: 0, gradientBytes: 0 })).toBe('COMMITTED');
  });

  it('answers pushes of a step that is over as stale, also when the run has ended', () => {
    const simulation = new Simulation(SETTINGS);
    const worker = simulation.join();
    const lease = simulation.ready(worker);
    if (lease === undefined) throw new Error('no lease');
    const push = simulation.pushOf(lease, roundOf(simulation));
    simulation.push(push);
    expect(simulation.push(push)).toBe('STALE');
    workToTheEnd(simulation, worker);
    expect(simulation.push(push)).toBe('STALE');
  });

  it('stops with a checkpoint, at once while workers compute', () => {
    const simulation = new Simulation(SETTINGS);
    simulation.ready(simulation.join());
    const effects = simulation.effects.length;
    simulation.give({ type: 'stop', reason: 'asked to' });
    expect(simulation.effects.slice(effects).map(({ type }) => type)).toEqual(['revoke', 'checkpoint', 'ended']);
    expect(simulation.state.ending).toEqual({ outcome: 'interrupted', reason: 'asked to' });
  });

  it('fails after too many leases were given up in a row', () => {
    const simulation = new Simulation(SETTINGS);
    const worker = simulation.join();
    for (let i = 0; i < LEASE_FAILURES_MAX; i += 1) {
      const lease = simulation.ready(worker);
      if (lease === undefined) throw new Error('no lease');
      simulation.give({ type: 'lease-failed', nowMs: 0, workerId: worker, leaseId: lease.id, reason: 'no memory' });
    }
    expect(simulation.state.ending).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('no memory') as string });
  });

  it('skips over a round whose leaves are all empty', () => {
    const simulation = new Simulation({ ...SETTINGS, evaluationLeaves: 0 }, new Set([0, 1, 2, 3, 4, 5, 6, 7]));
    expect(simulation.state.ending?.outcome).toBe('finished');
  });
});

describe('the sum of a round', () => {
  const action = fc.record({ kind: fc.constantFrom('join', 'ready', 'push', 'repeat', 'late', 'lost', 'leave', 'tick', 'fail'), pick: fc.nat(1000), threads: fc.integer({ min: 1, max: 4 }) });

  it.each([1, 5, 8, 37])('is that of one worker, bit for bit, whoever computes %i microshards in whatever order', (microshards) => {
    fc.assert(fc.property(fc.array(action, { maxLength: 120 }), fc.uniqueArray(fc.nat(microshards - 1), { maxLength: microshards - 1 }), (actions, empty) => {
      const simulation = new Simulation({ ...SETTINGS, microshards, evaluationLeaves: 0 }, new Set(empty));
      const leases: { lease: Lease; round: Round }[] = [];
      const taken: Push[] = [];
      for (const { kind, pick, threads } of actions) {
        simulation.nowMs += 7;
        const workers = [...simulation.state.workers.keys()];
        const workerId = workers.length > 0 ? workers[pick % workers.length] : simulation.join(threads);
        const held = simulation.leaseOf(workerId);
        if (kind === 'join') simulation.join(threads);
        else if (kind === 'ready') simulation.ready(workerId);
        else if (kind === 'push' && held !== undefined) {
          const push = simulation.pushOf(held, roundOf(simulation));
          expect(simulation.push(push)).toBe('COMMITTED');
          taken.push(push);
        } else if (kind === 'repeat' && taken.length > 0) {
          expect(['DUPLICATE', 'STALE', 'FENCED']).toContain(simulation.push({ ...taken[pick % taken.length], pushId: -1 }));
        } else if (kind === 'late' && leases.length > 0) {
          const { lease, round } = leases[pick % leases.length];
          expect(['COMMITTED', 'DUPLICATE', 'STALE', 'FENCED']).toContain(simulation.push(simulation.pushOf(lease, round)));
        } else if (kind === 'lost') simulation.give({ type: 'lost', nowMs: simulation.nowMs, workerId, reason: 'disconnected' });
        else if (kind === 'leave') simulation.give({ type: 'lost', nowMs: simulation.nowMs, workerId, reason: 'left' });
        else if (kind === 'tick') {
          simulation.nowMs += pick * 5;
          simulation.give({ type: 'tick', nowMs: simulation.nowMs });
        } else if (kind === 'fail' && held !== undefined && simulation.state.failuresInRow < LEASE_FAILURES_MAX - 1) {
          simulation.give({ type: 'lease-failed', nowMs: simulation.nowMs, workerId, leaseId: held.id, reason: 'test' });
        }
        for (const lease of simulation.state.round?.leases.values() ?? []) leases.push({ lease, round: roundOf(simulation) });
        assertDisjoint(simulation.state.round);
      }
      // Faults stop: one worker, and those that are still there are lost.
      simulation.nowMs += 1e9;
      simulation.give({ type: 'tick', nowMs: simulation.nowMs });
      if (simulation.state.phase !== 'ended') workToTheEnd(simulation, simulation.join());
      expect(simulation.state.ending?.outcome).toBe('finished');
      const isEmpty = (leaf: number): boolean => empty.includes(leaf);
      const root = { begin: 0, width: microshards };
      const gradient = reduceTree(root, (leaf) => (isEmpty(leaf) ? undefined : gradientOf(leaf)), add);
      const loss = reduceTree(root, (leaf) => (isEmpty(leaf) ? undefined : lossOf(leaf)), (left, right) => left + right);
      expect(simulation.sums).toEqual([0, 1].map((step) => ({ step, kind: 'train', gradient, loss })));
    }), { numRuns: 60, seed: 20240607 });
  });
});

/** Every leaf is leased or committed at most once. */
function assertDisjoint(round: Round | undefined): void {
  if (round === undefined) return;
  const seen = new Uint8Array(rootOf(round).width);
  for (const { node } of [...round.leases.values(), ...round.committed.values()]) {
    for (let leaf = node.begin; leaf < node.begin + node.width; leaf += 1) {
      expect(seen[leaf]).toBe(0);
      seen[leaf] = 1;
    }
  }
}
