import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reduceTree } from '@bptt/core';
import { LEASE_FAILURES_MAX } from './advance.js';
import type { Push } from './push.js';
import { rootOf, type Lease, type Round } from './round.js';
import { add, gradientOf, lossOf, roundOf, SETTINGS, Simulation, workToTheEnd } from './testing/simulation.js';

describe('the run state machine', () => {
  it('goes through all steps, validates at the end, writes a checkpoint and finishes', () => {
    const simulation = new Simulation(SETTINGS);
    workToTheEnd(simulation, simulation.join());
    const story = simulation.effects.map(({ type }) => type).filter((type) => !['admitted', 'grant', 'answer'].includes(type));
    expect(story).toEqual(['open-round', 'update', 'advanced', 'open-round', 'update', 'advanced', 'open-round', 'validated', 'checkpoint', 'ended']);
    expect(simulation.state.ending?.outcome).toBe('finished');
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
    for (const change of [{ fingerprint: 'other' }, { lossSum: 1 }, { nonFinite: { microshard: 0, sequence: 0, timeStep: 0, layer: 0, phase: 'forward' }, totalBytes: 0, gradientBytes: 0 }]) {
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
