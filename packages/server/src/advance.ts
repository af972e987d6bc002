import { chooseNode, dropLeases, grantLease, LEAF_SAMPLES_MAX, leaseDurationMs, leaseLimit, leasesOf } from './leases.js';
import { andThen, completeRound, completeStep, end, proceed } from './progress.js';
import { judgePush } from './push-judgement.js';
import type { Push } from './push.js';
import { countNode, nodeKey, openRound, type Lease } from './round.js';
import type { LeaseLoss, WorkerLoss } from './run-event.js';
import type { Effect, RunInput, RunState, Transition, WorkerState } from './run-state.js';

/** How many leases workers may give up in a row before the run fails. */
export const LEASE_FAILURES_MAX = 32;

/**
 * The run state machine: what becomes of a run when something happens, and what is to be done about it. Does no I/O and reads no
 * clock. Input of workers that are gone changes nothing.
 */
export function advance(state: RunState, input: RunInput): Transition {
  if (state.phase === 'ended' && input.type !== 'heard' && input.type !== 'lost' && input.type !== 'push' && input.type !== 'tick') return [state, []];
  switch (input.type) {
    case 'start':
      return proceed(state);
    case 'join':
      return join(state, input);
    case 'heard':
      return [updateWorker(state, input.workerId, () => ({ heardMs: input.nowMs })), []];
    case 'ready':
      return andThen(ready(state, input.workerId, input.nowMs), (next) => assign(next, input.nowMs));
    case 'lease-failed':
      return andThen(giveUp(state, input), (next) => assign(next, input.nowMs));
    case 'lost':
      return andThen(lose(state, input.workerId, input.reason), (next) => assign(next, input.nowMs));
    case 'tick':
      return andThen(expire(state, input.nowMs), (next) => assign(next, input.nowMs));
    case 'round-opened':
      return andThen(openNext(state, input), (next) => assign(next, input.nowMs));
    case 'push':
      return takePush(state, input.push, input.nowMs);
    case 'updated':
      return completeStep(state, input);
    case 'exploded':
      return proceed({ ...state, ending: { outcome: 'failed', reason: input.reason } });
    case 'checkpointed':
      return proceed({ ...state, checkpointStep: state.step });
    case 'validation-settled':
      return proceed(state);
    case 'stop':
      return stop(state, input.reason);
    case 'close':
      return end(state, { outcome: 'interrupted', reason: input.reason });
    case 'fail':
      return end(state, { outcome: 'failed', reason: input.reason });
  }
}

function join(state: RunState, { nowMs, name, executes, threads }: Extract<RunInput, { type: 'join' }>): Transition {
  const workersJoined = state.workersJoined + 1;
  const worker: WorkerState = {
    id: `w${String(workersJoined)}`,
    generation: state.settings.generationFirst + workersJoined,
    name,
    executes,
    threads,
    ready: false,
    heardMs: nowMs,
    leavesDone: 0,
    leasesExpired: 0,
  };
  return [{ ...state, workersJoined, workers: new Map(state.workers).set(worker.id, worker) }, [{ type: 'admitted', worker }]];
}

/** A worker that asks for work has none: whatever it still held is free again. */
function ready(state: RunState, workerId: string, nowMs: number): Transition {
  const freed = dropAll(state, leasesOf(state.round, workerId));
  return [updateWorker(freed, workerId, () => ({ ready: true, heardMs: nowMs })), []];
}

function giveUp(state: RunState, { nowMs, workerId, leaseId, reason }: { nowMs: number; workerId: string; leaseId: number; reason: string }): Transition {
  const lease = leasesOf(state.round, workerId).find(({ id }) => id === leaseId);
  const heard = updateWorker(state, workerId, () => ({ heardMs: nowMs }));
  if (lease === undefined) return [heard, []];
  const failuresInRow = state.failuresInRow + 1;
  const freed = { ...dropAll(heard, [lease]), failuresInRow };
  const effects: Effect[] = [{ type: 'lease-given-up', workerId, reason }];
  if (failuresInRow < LEASE_FAILURES_MAX) return [freed, effects];
  const text = `workers gave up ${String(failuresInRow)} leases in a row, the last because: ${reason}`;
  return andThen([freed, effects], (next) => end(next, { outcome: 'failed', reason: text }));
}

function lose(state: RunState, workerId: string, reason: WorkerLoss): Transition {
  const worker = state.workers.get(workerId);
  if (worker === undefined) return [state, []];
  const leases = leasesOf(state.round, workerId);
  const [freed, effects] = reason === 'left' ? [dropAll(state, leases), []] : takeBack(state, leases, reason);
  const workers = new Map(freed.workers);
  workers.delete(workerId);
  return [{ ...freed, workers }, [...effects, { type: 'worker-lost', worker: freed.workers.get(workerId) ?? worker, reason }]];
}

function expire(state: RunState, nowMs: number): Transition {
  const late = [...(state.round?.leases.values() ?? [])].filter(({ expiresMs }) => expiresMs <= nowMs);
  const [freed, effects] = takeBack(state, late, 'time');
  const inTime: Transition = [
    { ...freed, expiriesInRow: freed.expiriesInRow + late.length },
    [...effects, ...late.map((lease): Effect => ({ type: 'revoke', lease }))],
  ];
  const silent = [...state.workers.values()].filter(({ heardMs }) => nowMs - heardMs >= state.settings.workerTimeoutMs);
  return silent.reduce((transition, { id }) => andThen(transition, (next) => lose(next, id, 'silent')), inTime);
}

function openNext(state: RunState, { kind, leaves, parametersVersion }: Extract<RunInput, { type: 'round-opened' }>): Transition {
  if (state.phase !== 'opening') return [state, []];
  return completeRound({ ...state, phase: 'computing', round: openRound({ kind, step: state.step, parametersVersion, leaves }) });
}

function takePush(state: RunState, push: Push, nowMs: number): Transition {
  const judgement = judgePush(state, push);
  switch (judgement.verdict) {
    case 'refused':
      return [state, [{ type: 'refuse', push, code: judgement.code === 'failed-precondition' ? judgement.code : 'invalid-argument', message: judgement.message }]];
    case 'mismatch':
      return [state, [{ type: 'refuse', push, code: 'data-loss', message: judgement.message }]];
    case 'COMMITTED':
      return andThen([commit(state, push, judgement.lease, nowMs), [{ type: 'answer', push, outcome: 'COMMITTED' }]], completeRound);
    default:
      return [updateWorker(state, push.workerId, () => ({ heardMs: nowMs })), [{ type: 'answer', push, outcome: judgement.verdict }]];
  }
}

function commit(state: RunState, push: Push, lease: Lease, nowMs: number): RunState {
  const { round } = state;
  if (round === undefined) return state;
  const { leaves } = countNode(round, push.node);
  const { node, pushId, fingerprint, lossSum, tokens, sequences, nonFinite } = push;
  const committed = new Map(round.committed).set(nodeKey(node), { node, pushId, fingerprint, lossSum, tokens, sequences, nonFinite });
  const sampleMs = (nowMs - lease.grantedMs) / leaves;
  return {
    ...updateWorker(state, push.workerId, (worker) => ({ heardMs: nowMs, leavesDone: worker.leavesDone + leaves })),
    round: { ...dropLeases(round, [lease.id]), committed },
    expiriesInRow: 0,
    failuresInRow: 0,
    leafSamplesMs: [...state.leafSamplesMs, sampleMs].slice(-LEAF_SAMPLES_MAX),
  };
}

function stop(state: RunState, reason: string): Transition {
  if (state.ending !== undefined) return [state, []];
  const leases = [...(state.phase === 'computing' ? (state.round?.leases.values() ?? []) : [])];
  const stopping: RunState = { ...state, ending: { outcome: 'interrupted', reason } };
  if (state.phase === 'settling') return [stopping, []];
  const revoked = leases.map((lease): Effect => ({ type: 'revoke', lease }));
  return andThen([{ ...stopping, phase: 'opening', round: undefined }, revoked], proceed);
}

/** Gives every worker that waits the next free node. */
function assign(state: RunState, nowMs: number): Transition {
  if (state.phase !== 'computing') return [state, []];
  const threadsTotal = [...state.workers.values()].reduce((sum, { threads }) => sum + threads, 0);
  const waiting = [...state.workers.values()].filter((worker) => worker.ready);
  return waiting.reduce<Transition>((transition, worker) => andThen(transition, (next) => assignTo(next, worker, threadsTotal, nowMs)), [state, []]);
}

function assignTo(state: RunState, worker: WorkerState, threadsTotal: number, nowMs: number): Transition {
  if (state.round === undefined) return [state, []];
  const node = chooseNode(state.round, leaseLimit(state.round, worker.threads, threadsTotal));
  if (node === undefined) return [state, []];
  const { leaves } = countNode(state.round, node);
  const durationMs = leaseDurationMs(leaves, state.settings.leaseFloorMs, state.leafSamplesMs, state.expiriesInRow);
  const leasesGranted = state.leasesGranted + 1;
  const lease: Lease = { id: leasesGranted, workerId: worker.id, node, grantedMs: nowMs, expiresMs: nowMs + durationMs };
  const round = grantLease(state.round, lease);
  return [{ ...updateWorker(state, worker.id, () => ({ ready: false })), leasesGranted, round }, [{ type: 'grant', lease, round }]];
}

function takeBack(state: RunState, leases: readonly Lease[], reason: LeaseLoss): Transition {
  const { round } = state;
  if (round === undefined || leases.length === 0) return [state, []];
  const counted = leases.reduce((next, { workerId }) => updateWorker(next, workerId, (worker) => ({ leasesExpired: worker.leasesExpired + 1 })), state);
  const effects = leases.map((lease): Effect => ({ type: 'expired', lease, round, reason }));
  return [{ ...dropAll(counted, leases), leasesExpired: state.leasesExpired + leases.length }, effects];
}

function dropAll(state: RunState, leases: readonly Lease[]): RunState {
  if (state.round === undefined || leases.length === 0) return state;
  return { ...state, round: dropLeases(state.round, leases.map(({ id }) => id)) };
}

function updateWorker(state: RunState, workerId: string, change: (worker: WorkerState) => Partial<WorkerState>): RunState {
  const worker = state.workers.get(workerId);
  if (worker === undefined) return state;
  return { ...state, workers: new Map(state.workers).set(workerId, { ...worker, ...change(worker) }) };
}
